/** Reading what a learner in another process asks, and telling it what stands in the way. */
import type { z } from 'zod';
import { isExcess, JSON_BOUNDS, parseBoundedJson } from '../../../kernel/bounded-json.js';
import { EngineError, invalidRequest } from '../../../kernel/errors.js';

/** Checked against its verb's schema. Throws InvalidRequest `JSON_TOO_*`, or `INVALID_REQUEST` naming the field. */
export function parseRequest(schema: z.ZodType, payload: Uint8Array): unknown {
  let json: unknown;
  try {
    json = parseBoundedJson(payload, JSON_BOUNDS.request);
  } catch (error) {
    if (isExcess(error)) throw error;
    throw invalidRequest('INVALID_REQUEST', 'The request is not JSON.');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw invalidRequest('INVALID_REQUEST', `${field === '' ? '' : `${field}: `}${issue.message}`, field || undefined);
}

export const leaseLost = (): EngineError =>
  new EngineError('StaleOwner', 'LEARNER_LEASE_LOST', 'The lease is not yours any more: claim it again.');

export const leaseHeld = (by: string, ttlMs: number): EngineError =>
  new EngineError('Conflict', 'LEARNER_LEASE_HELD', `The learner’s lease is held by ${by}.`, { retryAfterMs: ttlMs });
