/** What became of changes of consent: asked of a user's actor once it has folded them. */
import { z } from 'zod';
import { DEADLINE_MS_MAX } from './decisions.js';
import { CONSENT_TYPES, PURPOSE_LENGTH_MAX, PURPOSES_MAX, timestampSchema, type ConsentType } from './events.js';
import { idSchema } from './id-schema.js';

/** Consented to where a grant names no purpose; what policies know of a subject is kept for it. */
export const PERSONALIZATION = 'personalization';

/** Changes that one request may ask about. */
export const CONSENT_CHANGES_MAX = 1_000;
/** JetStream's names are no longer. */
const STREAM_NAME_MAX = 255;

/**
 * For each purpose that a change names. `granted` and `withdrawn`: as the change says. `not-newer`: what was said later, or
 * counts as later, stands, and the change does not. `refused`: the change was not taken, and there is a dead letter of it.
 * `pending`: it is not folded yet, or nobody could be asked.
 */
export const CONSENT_OUTCOMES = ['granted', 'withdrawn', 'not-newer', 'refused', 'pending'] as const;

export interface ConsentOutcome {
  /** null: all that are not named here. */
  readonly purpose: string | null;
  readonly outcome: (typeof CONSENT_OUTCOMES)[number];
}

const changeSchema = z.strictObject({
  type: z.enum(CONSENT_TYPES),
  purposes: z.array(idSchema(PURPOSE_LENGTH_MAX)).max(PURPOSES_MAX).optional(),
  /** The change's own time. */
  time: timestampSchema.optional(),
  /** Its place in the journal. */
  sequence: z.number().int().positive().optional(),
});
export type ConsentChange = z.infer<typeof changeSchema>;

export const consentRequestSchema = z.strictObject({
  /** The last change's token, or JetStream's acknowledgement of it: the answer waits until it is folded. */
  after: z
    .union([
      z.string().max(256),
      z.looseObject({ stream: z.string().max(STREAM_NAME_MAX), seq: z.number().int().positive() }),
    ])
    .optional(),
  deadlineMs: z.number().int().min(1).max(DEADLINE_MS_MAX).optional(),
  changes: z.array(changeSchema).min(1).max(CONSENT_CHANGES_MAX),
});
export type ConsentRequest = z.infer<typeof consentRequestSchema>;

export interface ConsentAnswer {
  /** Of each change, in their order. */
  readonly outcomes: readonly (readonly ConsentOutcome[])[];
}

/** What a change is about: one that names no purpose grants that of personalization, or withdraws all. */
export function purposesOf(type: ConsentType, purposes: readonly string[] | undefined): readonly string[] | 'all' {
  if (purposes !== undefined && purposes.length > 0) return purposes;
  return type === 'consent.granted' ? [PERSONALIZATION] : 'all';
}

/** What is said of a change of which nothing is known yet. */
export function pendingOutcomes({ type, purposes }: ConsentChange): ConsentOutcome[] {
  const named = purposesOf(type, purposes);
  if (named === 'all') return [{ purpose: null, outcome: 'pending' }];
  return distinct(named).map((purpose) => ({ purpose, outcome: 'pending' }));
}

/** Each purpose once. */
export const distinct = (purposes: readonly string[]): string[] => [...new Set(purposes)];
