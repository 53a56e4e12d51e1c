/**
 * Checks of what is read from the streams, by hand: a schema library's take four times as long as everything else the
 * sink does with a record, and the fold has already checked what is here. Only what the facts use is looked at.
 */
import { JSON_BOUNDS, parseBoundedJson } from '../../kernel/bounded-json.js';
import type { DecisionBody, Experience } from '../../messages/decisions.js';
import type { Chain, Term } from '../../messages/records.js';
import { isVersionRefusal, THIS_SCHEMA, type DataSchema, type StoredForm } from '../../messages/versions.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** What the experience stream carries for a decision that the fold refused. */
export interface Refusal {
  readonly decisionId: string;
  readonly status: 'refused';
  readonly reason: string;
}

/** The end of the year 9999: up to there, JavaScript and PostgreSQL write dates alike. */
const TIME_MS_MAX = 253_402_300_799_999;

/**
 * The JSON object in a payload, or undefined where there is none that names its schema. Throws Configuration `DATA_TOO_NEW`
 * or `DATA_TOO_OLD` for what another build has written: it must not be read as something it is not.
 */
export function parseRecord(
  form: StoredForm,
  payload: Uint8Array,
  schema: DataSchema = THIS_SCHEMA,
): JsonObject | undefined {
  try {
    const json = parseBoundedJson(payload, JSON_BOUNDS.internal);
    return isObject(json) ? schema.read(form, json) : undefined;
  } catch (error) {
    if (isVersionRefusal(error)) throw error;
    return undefined;
  }
}

export function termOf(record: JsonObject | undefined): Term | undefined {
  const term = record?.['term'];
  return isPair(term) ? term : undefined;
}

export function chainOf(record: JsonObject | undefined): Chain | undefined {
  const chain = record?.['chain'];
  if (!isObject(chain)) return undefined;
  const { p, src, seq, idx, prev } = chain;
  return isCount(p) && typeof src === 'string' && isCount(seq) && isCount(idx) && isPair(prev)
    ? { p, src, seq, idx, prev }
    : undefined;
}

export function isDecision(body: unknown): body is DecisionBody {
  if (!isObject(body) || !isRef(body['policy']) || !isObject(body['context'])) return false;
  const { id, surface, subjectKind, atMs, slate, filtered, personalized, degraded, fallbackReason } = body;
  return (
    typeof id === 'string' &&
    typeof surface === 'string' &&
    typeof subjectKind === 'string' &&
    isTimeMs(atMs) &&
    Array.isArray(slate) &&
    slate.every((item) => isObject(item) && typeof item['propensity'] === 'number') &&
    Array.isArray(filtered) &&
    typeof personalized === 'boolean' &&
    Array.isArray(degraded) &&
    degraded.every((part) => typeof part === 'string') &&
    (fallbackReason === null || typeof fallbackReason === 'string')
  );
}

export function isExperience(body: unknown): body is Experience {
  if (!isObject(body) || !isRef(body['policy'])) return false;
  const { decisionId, status, decidedAtMs, closedAtMs, reward, rewardedId, events, credits, credit } = body;
  return (
    typeof decisionId === 'string' &&
    (status === 'complete' || status === 'censored' || status === 'not-shown' || status === 'corrected') &&
    isTimeMs(decidedAtMs) &&
    isTimeMs(closedAtMs) &&
    typeof reward === 'number' &&
    (rewardedId === null || typeof rewardedId === 'string') &&
    Array.isArray(events) &&
    (credits === undefined || Array.isArray(credits)) &&
    (credit === undefined || credit === 'slate')
  );
}

export function isRefusal(body: unknown): body is Refusal {
  if (!isObject(body)) return false;
  const { decisionId, status, reason } = body;
  return typeof decisionId === 'string' && status === 'refused' && typeof reason === 'string';
}

export const isTimeMs = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= TIME_MS_MAX;

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isRef = (value: unknown): boolean =>
  isObject(value) && typeof value['id'] === 'string' && Number.isSafeInteger(value['version']);

const isPair = (value: unknown): value is readonly [number, number] =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1]);
