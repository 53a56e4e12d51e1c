/** Reading what a learner in another process asks, and telling it what stands in the way. */
import type { z } from 'zod';
import { EngineError, invalidRequest } from '../../../kernel/errors.js';

/** Checked against its verb's schema. Throws InvalidRequest `INVALID_REQUEST` naming the field. */
export function parseRequest(schema: z.ZodType, payload: Uint8Array): unknown {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    throw invalidRequest('INVALID_REQUEST', 'The request is not JSON.');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw invalidRequest('INVALID_REQUEST', `${field === '' ? '' : `${field}: `}${issue.message}`, field || undefined);
}

/** Throws InvalidRequest `ARTIFACT_MALFORMED`. */
export function parseParameters(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw invalidRequest('ARTIFACT_MALFORMED', 'The parameters are not JSON, which knows no NaN.', 'parameters');
  }
}

export const leaseLost = (): EngineError =>
  new EngineError('StaleOwner', 'LEARNER_LEASE_LOST', 'The lease is not yours any more: claim it again.');

export const leaseHeld = (by: string, ttlMs: number): EngineError =>
  new EngineError('Conflict', 'LEARNER_LEASE_HELD', `The learner’s lease is held by ${by}.`, { retryAfterMs: ttlMs });
