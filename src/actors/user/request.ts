/** What is asked, checked: at the edge of the actor, whoever the sender is. */
import { hash } from 'node:crypto';
import type { ZodType } from 'zod';
import { invalidRequest } from '../../kernel/errors.js';
import { isIdText } from '../../kernel/ids.js';
import { canonicalCell, isZoneCell, zoneIdRule } from '../../messages/cells.js';
import {
  CANDIDATES_MAX,
  candidateSchema,
  CONTEXT_BYTES_MAX,
  CONTEXT_KEYS_MAX,
  decisionRequestSchema,
  FEATURES_BYTES_MAX,
  FEATURES_MAX,
  FEATURES_TOTAL_MAX,
  type Candidate,
  type DecisionRequest,
} from '../../messages/decisions.js';
import { contextProblem } from '../../messages/context-bounds.js';
import type { Surface } from '../../surfaces/surface.js';
import { refuseOversize } from './request-bounds.js';

const NO_FEATURES: Readonly<Record<string, number>> = Object.freeze({});
const NO_CONTEXT: DecisionRequest['context'] = Object.freeze({}) as DecisionRequest['context'];

/**
 * The request in `body`, with defaults filled in. Throws InvalidRequest with the path of the field at fault:
 * `INVALID_REQUEST`, `CANDIDATE_DUPLICATE` and the codes of refuseOversize. Exactly what decisionRequestSchema accepts, within
 * those bounds, is accepted; the common form takes a path that is many times faster.
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

/**
 * Candidates of a surface that shows zones are zones, in their one spelling and of the engine's resolution; throws
 * InvalidRequest `ZONE_CELL_INVALID` for another cell. What is no cell at all is the app's own, and stays.
 */
export function checkCells({ candidates = [] }: DecisionRequest, surface: Surface, h3Resolution: number): void {
  if (surface.candidates.source !== 'zones') return;
  const wrong = candidates.findIndex(({ id }) => canonicalCell(id) !== undefined && !isZoneCell(id, h3Resolution));
  if (wrong < 0) return;
  const field = `candidates[${wrong}].id`;
  throw invalidRequest('ZONE_CELL_INVALID', `${field} must be ${zoneIdRule(h3Resolution)}.`, field);
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

/** Says what is wrong: the first thing, for a request may be wrong in as many places as it has values. */
function parseThoroughly(body: unknown): DecisionRequest {
  refuseOversize(body);
  const candidates: unknown = (body as { candidates?: unknown } | null | undefined)?.candidates;
  if (!Array.isArray(candidates)) return parsed(decisionRequestSchema, body, []);
  const request = parsed(decisionRequestSchema, { ...(body as object), candidates: [] }, []);
  return { ...request, candidates: candidates.map((one, i) => parsed(candidateSchema, one, ['candidates', i])) };
}

/** Parses or throws `INVALID_REQUEST` naming the first offending field. */
export function parsed<T>(schema: ZodType<T>, value: unknown, prefix: readonly PropertyKey[]): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const last = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  const field = fieldPath([...prefix, ...last]);
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
        if (plainKeys(value, isScalar, CONTEXT_KEYS_MAX, CONTEXT_BYTES_MAX) < 0) return undefined;
        request.context = value as DecisionRequest['context'];
        if (contextProblem(request.context) !== undefined) return undefined;
        break;
      case 'candidates': {
        const candidates = readPlainCandidates(value);
        if (candidates === undefined) return undefined;
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
        if (!isId(value, 1, 128)) return undefined;
        request.requestId = value;
        break;
      case 'sessionId':
        if (!isId(value, 1, 256)) return undefined;
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

function readPlainCandidates(value: unknown): Candidate[] | undefined {
  if (!Array.isArray(value) || value.length > CANDIDATES_MAX) return undefined;
  const candidates: Candidate[] = [];
  let features = 0;
  for (const one of value) {
    const candidate = readPlainCandidate(one);
    if (candidate === undefined) return undefined;
    if (candidate.features !== NO_FEATURES) {
      const keys = plainKeys(candidate.features, isFiniteNumber, FEATURES_MAX, FEATURES_BYTES_MAX);
      if (keys < 0 || (features += keys) > FEATURES_TOTAL_MAX) return undefined;
    }
    candidates.push(candidate);
  }
  return candidates;
}

/** With features that are yet to be looked at. */
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
  if (!isId(id, 1, 256) || typeof nonPersonal !== 'boolean') return undefined;
  if (category !== undefined && !isId(category, 0, 64)) return undefined;
  if (campaign !== undefined && !isId(campaign, 0, 256)) return undefined;
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
  return (kind === 'rider' || kind === 'driver' || kind === 'partner' || kind === 'support') && isId(id, 1, 256);
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, '__proto__');

const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' && value.length >= min && value.length <= max;

const isId = (value: unknown, min: number, max: number): value is string => isText(value, min, max) && isIdText(value);

const isWhole = (value: unknown, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;

const isFiniteNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

const isScalar = (value: unknown): boolean =>
  typeof value === 'boolean' || isFiniteNumber(value) || isText(value, 0, 256);

/** How many keys a record of plain values has; below 0 where it needs a closer look. */
function plainKeys(value: unknown, isValue: (value: unknown) => boolean, keysMax: number, bytesMax: number): number {
  if (!isPlainObject(value)) return -1;
  let keys = 0;
  let units = 0;
  for (const name in value) {
    const one = value[name];
    if (++keys > keysMax || name.length > 64 || !isValue(one)) return -1;
    units += name.length + (typeof one === 'string' ? one.length : 0);
  }
  // A UTF-16 unit has at most three bytes of UTF-8.
  return units * 3 > bytesMax ? -1 : keys;
}
