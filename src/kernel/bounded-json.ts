/**
 * JSON from outside, bounded before it is parsed: one pass over the bytes counts what a parser and all that comes after it
 * would have to build. Whatever reads JSON that somebody else wrote (a body, a NATS payload, an artifact, a line of a log)
 * reads it here.
 */
import { EngineError, invalidRequest } from './errors.js';

export interface JsonBounds {
  readonly bytesMax: number;
  /** Objects and lists within each other. */
  readonly depthMax: number;
  /** Opening brackets, commas and colons: about the number of values and keys. */
  readonly tokensMax: number;
  /** Keys of one object. */
  readonly keysMax: number;
}

const MEBIBYTE = 1024 * 1024;

/** The largest event that a journal takes. */
export const EVENT_BYTES_MAX = 256 * 1024;

/**
 * By what is read. `event` is part of what a fold means: what one host rejects, every host must reject, so that it is no
 * configuration, and the gateway checks the record that it writes by the same numbers.
 */
export const JSON_BOUNDS = {
  /** A body over HTTP or a request over NATS; bytes are bounded by the gateway's own limit too. */
  request: { bytesMax: 64 * MEBIBYTE, depthMax: 32, tokensMax: 200_000, keysMax: 1024 },
  /** One event in a journal. */
  event: { bytesMax: EVENT_BYTES_MAX, depthMax: 34, tokensMax: 50_000, keysMax: 1024 },
  /** What the engine's own processes say to each other. */
  internal: { bytesMax: 64 * MEBIBYTE, depthMax: 64, tokensMax: 2_000_000, keysMax: 500_000 },
  /**
   * A policy's parameters: as many arms as any learner may have (`armsMax`). Learners in this house may have more of them than
   * others may publish: an operator has set how many, and their artifacts are opened beside the event loop like any other.
   */
  artifact: { bytesMax: 8 * MEBIBYTE, depthMax: 32, tokensMax: 1_000_000, keysMax: 100_000 },
  /** The same of a learner in another process, which nobody here has seen: tens of thousands of arms. */
  publication: { bytesMax: 8 * MEBIBYTE, depthMax: 32, tokensMax: 250_000, keysMax: 32_768 },
  /** A line of a log of decisions. */
  logLine: { bytesMax: 8 * MEBIBYTE, depthMax: 64, tokensMax: 500_000, keysMax: 100_000 },
} as const satisfies Readonly<Record<string, JsonBounds>>;

export interface Excess {
  readonly code: 'JSON_TOO_LARGE' | 'JSON_TOO_DEEP' | 'JSON_TOO_MANY_TOKENS' | 'JSON_TOO_MANY_KEYS';
  readonly message: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * Keys of each object that is open; lists leave theirs at 0. One for all calls, none of which ends in the middle: for a
 * small event an array of its own would cost more than the pass.
 */
const KEYS = new Uint32Array(128);

/**
 * Which bound the JSON in `bytes` passes, if any. Linear, without an allocation that depends on the input; stops at the
 * first excess. What is not JSON is for the parser to refuse: up to its first error both see the same tokens.
 */
export function excessOf(bytes: Uint8Array, bounds: JsonBounds): Excess | undefined {
  const { bytesMax, depthMax, tokensMax, keysMax } = bounds;
  const { length } = bytes;
  if (length > bytesMax) {
    return { code: 'JSON_TOO_LARGE', message: `JSON may have ${bytesMax} bytes here; this has ${length}.` };
  }
  const keys = depthMax < KEYS.length ? KEYS : new Uint32Array(depthMax + 1);
  keys[0] = 0;
  let depth = 0;
  let tokens = 0;
  for (let i = 0; i < length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        for (i++; i < length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > depthMax) {
          return { code: 'JSON_TOO_DEEP', message: `JSON may be nested ${depthMax} deep here.` };
        }
        keys[depth] = 0;
        tokens++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (depth > 0) depth--;
        break;
      case COLON:
        if (++keys[depth]! > keysMax) {
          return { code: 'JSON_TOO_MANY_KEYS', message: `An object may have ${keysMax} keys here.` };
        }
        tokens++;
        break;
      case COMMA:
        tokens++;
        break;
    }
    if (tokens > tokensMax) {
      return { code: 'JSON_TOO_MANY_TOKENS', message: `JSON may have ${tokensMax} keys and values here.` };
    }
  }
  return undefined;
}

/** Throws InvalidRequest `JSON_TOO_LARGE`, `JSON_TOO_DEEP`, `JSON_TOO_MANY_TOKENS` or `JSON_TOO_MANY_KEYS`. */
export function refuseExcess(bytes: Uint8Array, bounds: JsonBounds, field?: string): void {
  const excess = excessOf(bytes, bounds);
  if (excess) throw invalidRequest(excess.code, excess.message, field);
}

/** The value in UTF-8 `bytes`. Throws as refuseExcess does, and SyntaxError for what is not JSON. */
export function parseBoundedJson(bytes: Uint8Array, bounds: JsonBounds, field?: string): unknown {
  refuseExcess(bytes, bounds, field);
  // A view on the same memory: Buffer decodes UTF-8 faster than TextDecoder for small messages.
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

/** The same for text that was decoded elsewhere. */
export const parseBoundedText = (text: string, bounds: JsonBounds, field?: string): unknown =>
  parseBoundedJson(Buffer.from(text, 'utf8'), bounds, field);

/** Whether it was a bound that refused, and not the parser. */
export const isExcess = (error: unknown): error is EngineError =>
  error instanceof EngineError && error.code.startsWith('JSON_TOO_');
