/** What is asked, checked: at the edge of the actor, whoever the sender is. */
import { hash } from 'node:crypto';
import { invalidRequest } from '../../kernel/errors.js';
import {
  CANDIDATES_MAX,
  decisionRequestSchema,
  type Candidate,
  type DecisionRequest,
} from '../../messages/decisions.js';
import type { Surface } from '../../surfaces/surface.js';

const NO_FEATURES: Readonly<Record<string, number>> = Object.freeze({});
const NO_CONTEXT: DecisionRequest['context'] = Object.freeze({}) as DecisionRequest['context'];

/**
 * The request in `body`, with defaults filled in. Throws InvalidRequest with the path of the field at fault:
 * `INVALID_REQUEST`, `CANDIDATES_TOO_MANY`, `CANDIDATE_DUPLICATE`. Exactly what decisionRequestSchema accepts is
 * accepted; the common form takes a path that is many times faster.
 */
export function parseDecisionRequest(body: unknown): DecisionRequest {
  const request = readPlain(body) ?? parseThoroughly(body);
  const duplicate = request.candidates === undefined ? -1 : firstDuplicate(request.candidates);
  if (duplicate >= 0)
    throw invalidRequest(
      'CANDIDATE_DUPLICATE',
      'A candidate id may occur only once in a request.',
      `candidates[${duplicate}].id`,
    );
  return request;
}

/** The surface that is asked; throws InvalidRequest where the request does not fit it. */
export function surfaceOf(request: DecisionRequest, surfaces: ReadonlyMap<string, Surface>): Surface {
  const surface = surfaces.get(request.surface);
  if (surface === undefined) {
    const known = [...surfaces.keys()].sort().join(', ');
    throw invalidRequest('UNKNOWN_SURFACE', `There is no surface of that name; there are ${known}.`, 'surface');
  }
  if (request.k !== undefined && request.k > surface.slate.max)
    throw invalidRequest('INVALID_REQUEST', `k must be at most ${surface.slate.max} on ${surface.id}.`, 'k');
  if (request.subject !== undefined && !surface.subjectKinds.includes(request.subject.kind)) {
    const kinds = surface.subjectKinds.join(' or ');
    throw invalidRequest('INVALID_REQUEST', `${surface.id} decides for a ${kinds}.`, 'subject.kind');
  }
  if (request.candidates === undefined && surface.candidates.source === 'request')
    throw invalidRequest('INVALID_REQUEST', `${surface.id} needs candidates in the request.`, 'candidates');
  return surface;
}

/** 96 bits over what the request asks, whatever the order of its fields; not over when and how it must be answered. */
export function hashRequest(request: DecisionRequest): string {
  const { surface, subject, context, candidates, k } = request;
  const asked = [
    surface,
    subject?.kind,
    sortedEntries(context),
    candidates?.map((one) => [one.id, sortedEntries(one.features), one.category, one.campaign, one.nonPersonal]),
    k,
  ];
  return hash('sha256', JSON.stringify(asked), 'base64url').slice(0, 16);
}

function sortedEntries(record: Readonly<Record<string, unknown>>): unknown[] {
  return Object.keys(record)
    .sort()
    .map((name) => [name, record[name]]);
}

function parseThoroughly(body: unknown): DecisionRequest {
  const parsed = decisionRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const last = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  const field = fieldPath(last);
  if (issue.code === 'too_big' && field === 'candidates')
    throw invalidRequest('CANDIDATES_TOO_MANY', `A request may have ${CANDIDATES_MAX} candidates.`, field);
  throw invalidRequest('INVALID_REQUEST', `${field === '' ? 'The request' : field}: ${issue.message}`, field);
}

/** `candidates[3].id` */
export function fieldPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

function firstDuplicate(candidates: readonly Candidate[]): number {
  // For a handful, looking at each pair is faster than a Set.
  if (candidates.length <= 16) {
    for (let i = 1; i < candidates.length; i++) {
      for (let j = 0; j < i; j++) if (candidates[i]!.id === candidates[j]!.id) return i;
    }
    return -1;
  }
  const seen = new Set<string>();
  return candidates.findIndex(({ id }) => seen.size === seen.add(id).size);
}

/** The request if it is of the plainest form; undefined for anything that needs a closer look, valid or not. */
function readPlain(body: unknown): DecisionRequest | undefined {
  if (!isPlainObject(body)) return undefined;
  const request: { -readonly [Field in keyof DecisionRequest]: DecisionRequest[Field] } = {
    surface: '',
    context: NO_CONTEXT,
  };
  for (const field in body) {
    const value = body[field];
    switch (field) {
      case 'surface':
        if (!isText(value, 1, 64)) return undefined;
        request.surface = value;
        break;
      case 'subject':
        if (!isPlainSubject(value)) return undefined;
        request.subject = value;
        break;
      case 'context':
        if (!isPlainRecord(value, isScalar)) return undefined;
        request.context = value as DecisionRequest['context'];
        break;
      case 'candidates': {
        if (!Array.isArray(value) || value.length > CANDIDATES_MAX) return undefined;
        const candidates: Candidate[] = [];
        for (const one of value) {
          const candidate = readPlainCandidate(one);
          if (candidate === undefined) return undefined;
          candidates.push(candidate);
        }
        request.candidates = candidates;
        break;
      }
      case 'k':
        if (!isWhole(value, 50)) return undefined;
        request.k = value;
        break;
      case 'deadlineMs':
        if (!isWhole(value, 10_000)) return undefined;
        request.deadlineMs = value;
        break;
      case 'requestId':
        if (!isText(value, 1, 128)) return undefined;
        request.requestId = value;
        break;
      case 'sessionId':
        if (!isText(value, 1, 256)) return undefined;
        request.sessionId = value;
        break;
      case 'after':
        if (!isText(value, 0, 256)) return undefined;
        request.after = value;
        break;
      default:
        return undefined;
    }
  }
  return request.surface === '' ? undefined : request;
}

function readPlainCandidate(value: unknown): Candidate | undefined {
  if (!isPlainObject(value)) return undefined;
  const { id, features = NO_FEATURES, category, campaign, nonPersonal = true } = value;
  for (const field in value) {
    if (
      field !== 'id' &&
      field !== 'features' &&
      field !== 'category' &&
      field !== 'campaign' &&
      field !== 'nonPersonal'
    )
      return undefined;
  }
  if (!isText(id, 1, 256) || typeof nonPersonal !== 'boolean') return undefined;
  if (features !== NO_FEATURES && !isPlainRecord(features, isFiniteNumber)) return undefined;
  if (category !== undefined && !isText(category, 0, 64)) return undefined;
  if (campaign !== undefined && !isText(campaign, 0, 256)) return undefined;
  return {
    id,
    features: features as Candidate['features'],
    ...(category === undefined ? undefined : { category }),
    ...(campaign === undefined ? undefined : { campaign }),
    nonPersonal,
  };
}

function isPlainSubject(value: unknown): value is NonNullable<DecisionRequest['subject']> {
  if (!isPlainObject(value)) return false;
  const { kind, id } = value;
  for (const field in value) if (field !== 'kind' && field !== 'id') return false;
  return (kind === 'rider' || kind === 'driver' || kind === 'partner' || kind === 'support') && isText(id, 1, 256);
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, '__proto__');

const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' && value.length >= min && value.length <= max;

const isWhole = (value: unknown, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;

const isFiniteNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

const isScalar = (value: unknown): boolean =>
  typeof value === 'boolean' || isFiniteNumber(value) || isText(value, 0, 256);

function isPlainRecord(value: unknown, isValue: (value: unknown) => boolean): boolean {
  if (!isPlainObject(value)) return false;
  for (const name in value) if (name.length > 64 || !isValue(value[name])) return false;
  return true;
}
