/** Raw feedback as it arrives: CloudEvents 1.0, or on NATS the bare data of one. */
import { z } from 'zod';
import { parseRfc3339 } from '../kernel/rfc3339.js';
import { idSchema, labelSchema } from './id-schema.js';

export const EVENT_TYPE = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){0,4}$/;

/** Purposes that one subject may consent to, and the most that one event may name. */
export const PURPOSES_MAX = 32;
export const PURPOSE_LENGTH_MAX = 64;

/** The changes of consent. Any other type under `consent.` is refused: it may be a withdrawal that nobody would notice. */
export const CONSENT_TYPES = ['consent.granted', 'consent.withdrawn'] as const;
export type ConsentType = (typeof CONSENT_TYPES)[number];

/** Whether a type says that it is about consent, known or not. */
export const isAboutConsent = (type: string): boolean => type === 'consent' || type.startsWith('consent.');

export const isConsentType = (type: string): type is ConsentType => (CONSENT_TYPES as readonly string[]).includes(type);

/** Types that say what became of something shown; they must name its decision. */
const REACTION_TYPES: ReadonlySet<string> = new Set([
  'impression',
  'click',
  'accept',
  'skip',
  'dwell',
  'rating',
  'reaction',
  'reward',
]);

/** Must the event name a decision to count for one? Outcomes of another kind (a trip) have happened whatever they name. */
export const isReactionType = (type: string): boolean => REACTION_TYPES.has(type);

const finite = z.number().refine(Number.isFinite, 'must be finite');

/** Sums of as many values as anybody can send stay finite, and so can be saved. */
export const EVENT_VALUE_ABS_MAX = 1e12;

/**
 * What Attune itself reads of an event's data, besides the text `kind` of a reaction; further fields are kept in the
 * journal and ignored by folds.
 */
export const eventDataSchema = z.looseObject({
  /** The decision this event reacts to. */
  decisionId: labelSchema(900).optional(),
  /** The candidate of that decision it reacts to; if left out the one accepted last, or the first of the slate. */
  candidateId: labelSchema(256).optional(),
  /** Seconds of dwell, stars of a rating, a reward's value: what the type says. */
  value: finite.min(-EVENT_VALUE_ABS_MAX).max(EVENT_VALUE_ABS_MAX).optional(),
  lat: finite.min(-90).max(90).optional(),
  lng: finite.min(-180).max(180).optional(),
  sessionId: labelSchema(256).optional(),
  /** What consent is given or withdrawn for. */
  purposes: z.array(idSchema(PURPOSE_LENGTH_MAX)).max(PURPOSES_MAX).optional(),
});
export type EventData = z.infer<typeof eventDataSchema>;

/**
 * What is wrong with an event's data before a schema looks at each of its parts: a schema finds a fault in every one of
 * fifty thousand purposes. Undefined where the schema may look.
 */
export function oversizeOf(data: unknown): { readonly field: 'purposes'; readonly message: string } | undefined {
  const purposes = (data as { purposes?: unknown } | null | undefined)?.purposes;
  if (!Array.isArray(purposes) || purposes.length <= PURPOSES_MAX) return undefined;
  return { field: 'purposes', message: `may name ${PURPOSES_MAX} purposes, not ${purposes.length}` };
}

/**
 * Where a change of consent says its purposes in vain: they are read in `data` of a CloudEvent, and of bare data right in
 * it. Nobody may take it for one that names none.
 */
export function unreadPurposesOf(
  type: string,
  event: Readonly<Record<string, unknown>>,
  isBare: boolean,
): 'purposes' | 'data' | 'data_base64' | undefined {
  if (!isAboutConsent(type)) return undefined;
  const elsewhere = isBare ? (['data', 'data_base64'] as const) : (['purposes'] as const);
  return elsewhere.find((field) => (event[field] ?? undefined) !== undefined);
}

/** An event as folds see it. */
export interface InboundEvent {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  /** The sender's time, bounded in skew against the fold's time; the fold's time where there was none. */
  readonly timeMs: number;
  /** The sender's own time as it was sent; undefined where there was none. Consent is ordered by it. */
  readonly saidMs?: number | undefined;
  /** When it was first folded: for a record that is driven again the original's fold time; the fold's own if left out. */
  readonly firstFoldedMs?: number;
  readonly data: EventData;
}

/** A time stamp by RFC 3339: `z.iso.datetime` takes neither lower case nor leap seconds. */
export const timestampSchema = z
  .string()
  .refine((text) => parseRfc3339(text) !== undefined, 'must be an RFC 3339 time stamp, as in 2025-01-31T12:00:00Z')
  .meta({ format: 'date-time' });

/** A structured CloudEvent whose `subject` is `<kind>/<id>`. */
export const cloudEventSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: idSchema(256),
  source: idSchema(256),
  type: z.string().regex(EVENT_TYPE, 'must be lower-case words joined by dots').max(128),
  subject: idSchema(300).min(3),
  /** RFC 3339. */
  time: timestampSchema.optional(),
  datacontenttype: z.string().optional(),
  data: eventDataSchema.optional(),
});
export type CloudEvent = z.infer<typeof cloudEventSchema>;
