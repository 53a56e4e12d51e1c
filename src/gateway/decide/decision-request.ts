/**
 * The request of a decision, checked. `isDecisionRequest` is a hand-written equal of `decisionRequestSchema` for speed
 * (about a tenth of its time); what it refuses is given to the schema, which knows how to say why. A property test holds
 * the two together.
 */
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import {
  CANDIDATES_MAX,
  decisionRequestSchema,
  SLATE_MAX,
  SUBJECT_KINDS,
  VALIDATED,
  type DecisionRequest,
} from '../../messages/decisions.js';
import { decodePosition } from '../../messages/tokens.js';
import { parseWith } from '../validation.js';

/** Over REST the subject is required: no address names it. */
export const restDecisionRequestSchema = decisionRequestSchema.required({ subject: true });

export interface AddressedRequest {
  readonly request: DecisionRequest;
  /** Subject token of the user actor. */
  readonly token: string;
}

type Fields = Record<string, unknown>;

/**
 * Checks a parsed body and fills in defaults, in place. Throws InvalidRequest: `INVALID_REQUEST`, `CANDIDATES_TOO_MANY`,
 * `CANDIDATE_DUPLICATE`, `ID_EMPTY`, `ID_TOO_LONG`, `ID_NOT_TEXT`, `TOKEN_INVALID`, each with the field.
 */
export function readDecisionRequest(body: unknown): AddressedRequest {
  const raw = body as Fields | null | undefined;
  const candidates = raw?.candidates;
  if (Array.isArray(candidates) && candidates.length > CANDIDATES_MAX) {
    throw invalidRequest(
      'CANDIDATES_TOO_MANY',
      `candidates has ${candidates.length} entries; at most ${CANDIDATES_MAX} are allowed.`,
      'candidates',
    );
  }
  const id = (raw?.subject as Fields | null | undefined)?.id;
  const token = typeof id === 'string' ? encodeToken(id, 'subject.id') : undefined;
  const request = isDecisionRequest(body) ? body : parseWith(restDecisionRequestSchema, body);
  if (request.candidates) refuseDuplicates(request.candidates);
  if (request.after !== undefined) decodePosition(request.after);
  (request as { [VALIDATED]?: true })[VALIDATED] = true;
  return { request, token: token! };
}

/** Below this many candidates comparing all pairs is faster than filling a set. */
const PAIRWISE_MAX = 12;

function refuseDuplicates(candidates: readonly { readonly id: string }[]): void {
  if (candidates.length <= PAIRWISE_MAX) {
    for (let i = 1; i < candidates.length; i++) {
      const id = candidates[i]!.id;
      for (let j = 0; j < i; j++) if (candidates[j]!.id === id) throw duplicate(i);
    }
    return;
  }
  const seen = new Set<string>();
  for (let i = 0; i < candidates.length; i++) {
    const id = candidates[i]!.id;
    if (seen.has(id)) throw duplicate(i);
    seen.add(id);
  }
}

const duplicate = (index: number): EngineError =>
  invalidRequest(
    'CANDIDATE_DUPLICATE',
    `candidates[${index}].id is the id of an earlier candidate.`,
    `candidates[${index}].id`,
  );

const SUBJECT_KIND_SET: ReadonlySet<unknown> = new Set(SUBJECT_KINDS);

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'string' && value.length >= min && value.length <= max;

const isInt = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** True if the schema would accept it, with defaults then filled in; false sends it to the schema. */
export function isDecisionRequest(body: unknown): body is DecisionRequest {
  if (!isObject(body)) return false;
  for (const key in body) {
    if (!isRequestField(key, body[key])) return false;
  }
  if (body.surface === undefined || body.subject === undefined) return false;
  body.context ??= {};
  return true;
}

function isRequestField(key: string, value: unknown): boolean {
  switch (key) {
    case 'surface':
      return isText(value, 1, 64);
    case 'subject':
      return isSubject(value);
    case 'context':
      return isContext(value);
    case 'candidates':
      return Array.isArray(value) && value.length <= CANDIDATES_MAX && value.every(isCandidate);
    case 'k':
      return isInt(value, 1, SLATE_MAX);
    case 'requestId':
      return isText(value, 1, 128);
    case 'sessionId':
      return isText(value, 1, 256);
    case 'after':
      return isText(value, 0, 256);
    case 'deadlineMs':
      return isInt(value, 1, 10_000);
    default:
      return false;
  }
}

function isSubject(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const key in value) if (key !== 'kind' && key !== 'id') return false;
  return SUBJECT_KIND_SET.has(value.kind) && isText(value.id, 1, 256);
}

function isContext(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const key in value) {
    const entry = value[key];
    if (key.length > 64) return false;
    if (typeof entry === 'string' ? entry.length > 256 : !(Number.isFinite(entry) || typeof entry === 'boolean')) {
      return false;
    }
  }
  return true;
}

function isCandidate(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const key in value) {
    const entry = value[key];
    switch (key) {
      case 'id':
        if (!isText(entry, 1, 256)) return false;
        break;
      case 'features':
        if (!isFeatures(entry)) return false;
        break;
      case 'category':
        if (!isText(entry, 0, 64)) return false;
        break;
      case 'campaign':
        if (!isText(entry, 0, 256)) return false;
        break;
      case 'nonPersonal':
        if (typeof entry !== 'boolean') return false;
        break;
      default:
        return false;
    }
  }
  if (value.id === undefined) return false;
  value.features ??= {};
  value.nonPersonal ??= true;
  return true;
}

function isFeatures(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const key in value) if (key.length > 64 || !Number.isFinite(value[key])) return false;
  return true;
}
