/**
 * One CloudEvent, checked and made into a journal record. As with decisions, `isCloudEvent` is a hand-written equal of
 * `cloudEventSchema` for speed; what it refuses is given to the schema, which says why.
 */
import { JSON_BOUNDS, refuseExcess } from '../../kernel/bounded-json.js';
import { type EngineError, invalidRequest } from '../../kernel/errors.js';
import { encodeToken, isIdText } from '../../kernel/ids.js';
import { parseRfc3339 } from '../../kernel/rfc3339.js';
import { canonicalCell, isZoneCell, zoneIdRule } from '../../messages/cells.js';
import {
  cloudEventSchema,
  CONSENT_TYPES,
  EVENT_TYPE,
  EVENT_VALUE_ABS_MAX,
  isAboutConsent,
  isConsentType,
  isReactionType,
  oversizeOf,
  PURPOSE_LENGTH_MAX,
  PURPOSES_MAX,
  unreadPurposesOf,
  type CloudEvent,
} from '../../messages/events.js';
import type { ConsentChange } from '../../messages/consent.js';
import type { FoldSettings } from '../../messages/settings.js';
import { PUBLIC_KINDS } from '../../messages/subjects.js';
import { parseDecisionId } from '../../messages/tokens.js';
import type { OutgoingEvent } from '../ports.js';
import { issueError } from '../validation.js';

export interface EventRules {
  readonly events: FoldSettings['events'];
  readonly h3Resolution: number;
  readonly recordBytesMax: number;
}

/** An event that makes sense, whoever sent it. */
export interface CheckedEvent extends Omit<OutgoingEvent, 'app'> {
  readonly id: string;
  /** What it says of consent, where it does. */
  readonly consent?: ConsentChange;
}

/**
 * Throws InvalidRequest: `INVALID_REQUEST`, `EVENT_IN_FUTURE`, `EVENT_TOO_OLD`, `EVENT_TOO_LARGE`, `JSON_TOO_*`,
 * `SUBJECT_KIND_UNKNOWN`, `ZONE_CELL_INVALID`, `DECISION_UNKNOWN`, `ID_*`. `traceparent` is stamped onto an event that
 * brings none (CloudEvents' distributed tracing extension). What is malformed is `INVALID_REQUEST` and no more where
 * nothing is to be explained.
 */
export function readCloudEvent(
  value: unknown,
  rules: EventRules,
  nowMs: number,
  traceparent: string,
  explains = true,
): CheckedEvent {
  const given = withoutNulls(value);
  const isWellFormed = isCloudEvent(given);
  if (!isWellFormed && !explains) {
    throw invalidRequest('INVALID_REQUEST', 'The event is malformed; only the first of a batch are explained.');
  }
  const event = isWellFormed ? given : parseEvent(given);
  if (event.data_base64 !== undefined) {
    throw invalidRequest('INVALID_REQUEST', 'data_base64 is not read; send JSON in data.', 'data_base64');
  }
  checkConsent(event);
  // Whenever consent was withdrawn, it counts.
  if (event.time !== undefined && event.type !== 'consent.withdrawn') checkTime(event.time, rules.events, nowMs);
  const address = addressOf(event, rules.h3Resolution);
  event.traceparent ??= traceparent;
  const payload = Buffer.from(JSON.stringify(event));
  if (payload.length > rules.recordBytesMax) {
    throw invalidRequest('EVENT_TOO_LARGE', `The event is larger than ${rules.recordBytesMax} bytes.`, 'data');
  }
  // What is accepted here is not to be rejected when it is folded.
  refuseExcess(payload, JSON_BOUNDS.event, 'data');
  const checked = { id: event.id, kind: address.kind, token: address.token, type: event.type, payload };
  const consent = consentIn(event);
  return consent === undefined ? checked : { ...checked, consent };
}

function parseEvent(value: unknown): CloudEvent {
  const oversize = isObject(value) ? oversizeOf(value.data) : undefined;
  if (oversize) {
    const field = `data.${oversize.field}`;
    throw invalidRequest('INVALID_REQUEST', `${field} ${oversize.message}.`, field);
  }
  const parsed = cloudEventSchema.safeParse(value);
  if (!parsed.success) throw issueError(parsed.error.issues);
  return parsed.data;
}

/** An attribute of null is unset (CloudEvents JSON format, section 2.2). */
function withoutNulls(value: unknown): unknown {
  if (!isObject(value) || !hasNull(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, attribute]) => attribute !== null));
}

function hasNull(fields: Fields): boolean {
  for (const name in fields) if (fields[name] === null) return true;
  return false;
}

/** A change of consent that nobody understands may be a withdrawal. */
function checkConsent(event: CloudEvent): void {
  const { type } = event;
  const unread = unreadPurposesOf(type, event, false);
  if (unread !== undefined) {
    throw invalidRequest('INVALID_REQUEST', 'Purposes of consent are read in data.', unread);
  }
  if (!isAboutConsent(type) || isConsentType(type)) return;
  const known = CONSENT_TYPES.join(' and ');
  throw invalidRequest('CONSENT_TYPE_UNKNOWN', `Consent changes by ${known} alone.`, 'type');
}

function consentIn({ type, time, data }: CloudEvent): ConsentChange | undefined {
  if (!isConsentType(type)) return undefined;
  const purposes = data?.purposes;
  return { type, ...(purposes === undefined ? {} : { purposes }), ...(time === undefined ? {} : { time }) };
}

function checkTime(time: string, skew: FoldSettings['events'], nowMs: number): void {
  const atMs = parseRfc3339(time)!;
  if (atMs > nowMs + skew.futureMaxMs) {
    throw invalidRequest('EVENT_IN_FUTURE', `time is more than ${skew.futureMaxMs} ms ahead of this engine.`, 'time');
  }
  if (atMs < nowMs - skew.pastMaxMs) {
    throw invalidRequest('EVENT_TOO_OLD', `time is more than ${skew.pastMaxMs} ms ago.`, 'time');
  }
}

const PUBLIC_KIND_SET: ReadonlySet<string> = new Set(PUBLIC_KINDS);

function addressOf(event: CloudEvent, h3Resolution: number): { kind: string; token: string } {
  const slash = event.subject.indexOf('/');
  const kind = slash < 0 ? event.subject : event.subject.slice(0, slash);
  if (slash < 0 || !PUBLIC_KIND_SET.has(kind)) {
    throw invalidRequest(
      'SUBJECT_KIND_UNKNOWN',
      `subject must be one of ${PUBLIC_KINDS.map((k) => `${k}/<id>`).join(', ')}.`,
      'subject',
    );
  }
  const id = event.subject.slice(slash + 1);
  if (kind === 'zone') return zoneOf(event, id, h3Resolution);
  const token = encodeToken(id, 'subject');
  if (kind === 'user') return userOrStandIn(event, token);
  if (isAboutConsent(event.type)) throw notOfUser('CONSENT_OF_USER', event.type);
  return { kind, token };
}

/** A zone by the one spelling of its cell, also in the event. */
function zoneOf(event: CloudEvent, id: string, h3Resolution: number): { kind: string; token: string } {
  if (isAboutConsent(event.type)) throw notOfUser('CONSENT_OF_USER', event.type);
  if (event.type.startsWith('driver.')) throw notOfUser('DUTY_OF_DRIVER', event.type);
  const token = canonicalCell(id);
  if (token === undefined || !isZoneCell(token, h3Resolution)) {
    throw invalidRequest('ZONE_CELL_INVALID', `subject must name ${zoneIdRule(h3Resolution)}.`, 'subject');
  }
  event.subject = `zone/${token}`;
  return { kind: 'zone', token };
}

const notOfUser = (code: 'CONSENT_OF_USER' | 'DUTY_OF_DRIVER', type: string): EngineError =>
  invalidRequest(code, `${type} is an event of a person: its subject must be user/<id>.`, 'subject');

/**
 * A decision made without consent is held by an anonymous actor, and its id says so: a reaction to it goes there and not
 * to the user's own record. An outcome (a pickup, a trip, a duty, a session) is the subject's own whatever decision it
 * names: her actor passes on what the decision earns. A bare `reward` has to name a decision that its subject can hold.
 */
function userOrStandIn(event: CloudEvent, token: string): { kind: string; token: string } {
  const decisionId = event.data?.decisionId;
  const decision = decisionId === undefined ? undefined : parseDecisionId(decisionId);
  if (decision?.kind === 'anon' && isReactionType(event.type)) {
    // The stand-in's record must not say whom it stands in for.
    event.subject = `anon/${decision.token}`;
    return { kind: 'anon', token: decision.token };
  }
  if (event.type === 'reward' && decision?.token !== token) {
    throw invalidRequest('DECISION_UNKNOWN', 'data.decisionId is not a decision of this subject.', 'data.decisionId');
  }
  return { kind: 'user', token };
}

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' && value.length >= min && value.length <= max;

const isId = (value: unknown, min: number, max: number): value is string => isText(value, min, max) && isIdText(value);

const isOptionalId = (value: unknown, max: number): boolean => value === undefined || isId(value, 0, max);

const isOptionalNumber = (value: unknown, min: number, max: number): boolean =>
  value === undefined || (Number.isFinite(value) && (value as number) >= min && (value as number) <= max);

/** True if the schema would accept it. */
export function isCloudEvent(value: unknown): value is CloudEvent {
  return (
    isObject(value) &&
    value.specversion === '1.0' &&
    isId(value.id, 1, 256) &&
    isId(value.source, 1, 256) &&
    isText(value.type, 1, 128) &&
    EVENT_TYPE.test(value.type) &&
    isId(value.subject, 3, 300) &&
    (value.time === undefined || (typeof value.time === 'string' && parseRfc3339(value.time) !== undefined)) &&
    (value.datacontenttype === undefined || typeof value.datacontenttype === 'string') &&
    (value.data === undefined || isEventData(value.data))
  );
}

function isEventData(value: unknown): boolean {
  return (
    isObject(value) &&
    isOptionalId(value.decisionId, 900) &&
    isOptionalId(value.candidateId, 256) &&
    isOptionalNumber(value.value, -EVENT_VALUE_ABS_MAX, EVENT_VALUE_ABS_MAX) &&
    isOptionalNumber(value.lat, -90, 90) &&
    isOptionalNumber(value.lng, -180, 180) &&
    isOptionalId(value.sessionId, 256) &&
    (value.purposes === undefined ||
      (Array.isArray(value.purposes) &&
        value.purposes.length <= PURPOSES_MAX &&
        value.purposes.every((p) => isId(p, 1, PURPOSE_LENGTH_MAX))))
  );
}
