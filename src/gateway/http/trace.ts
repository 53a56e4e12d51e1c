/** Trace ids: taken from a W3C `traceparent`, or made. https://www.w3.org/TR/trace-context/ */
import { randomFillSync } from 'node:crypto';

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;

const POOL = Buffer.alloc(4096);
let used = POOL.length;

/** `bytes` fresh random bytes as lower-case hex; drawn from a pool, because every request needs some. */
function randomHex(bytes: number): string {
  if (used + bytes > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  const hex = POOL.toString('hex', used, used + bytes);
  used += bytes;
  return hex;
}

/** The caller's trace id (32 hex digits), or a new one where the header is missing or malformed. */
export function traceIdOf(traceparent: string | readonly string[] | undefined): string {
  const match = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null;
  return match ? match[1]! : randomHex(16);
}

/** A `traceparent` for what this request causes: same trace, new span, sampled. */
export const childTraceparent = (traceId: string): string => `00-${traceId}-${randomHex(8)}-01`;
