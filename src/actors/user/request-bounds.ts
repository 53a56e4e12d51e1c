/**
 * How much a request may hold, looked at before anything looks at each of its parts: a schema that is asked about fifty
 * thousand wrong features finds fifty thousand faults.
 */
import { invalidRequest } from '../../kernel/errors.js';
import {
  CANDIDATES_MAX,
  CONTEXT_BYTES_MAX,
  CONTEXT_KEYS_MAX,
  FEATURES_BYTES_MAX,
  FEATURES_MAX,
  FEATURES_TOTAL_MAX,
} from '../../messages/decisions.js';

/** What one record of names and scalars may hold, and what it is called where it holds more. */
interface RecordBounds {
  readonly keysMax: number;
  readonly bytesMax: number;
  readonly codes: { readonly keys: string; readonly bytes: string; readonly depth: string };
}

const CONTEXT: RecordBounds = {
  keysMax: CONTEXT_KEYS_MAX,
  bytesMax: CONTEXT_BYTES_MAX,
  codes: { keys: 'CONTEXT_KEYS_TOO_MANY', bytes: 'CONTEXT_TOO_LARGE', depth: 'CONTEXT_TOO_DEEP' },
};

const FEATURES: RecordBounds = {
  keysMax: FEATURES_MAX,
  bytesMax: FEATURES_BYTES_MAX,
  codes: { keys: 'FEATURES_KEYS_TOO_MANY', bytes: 'FEATURES_TOO_LARGE', depth: 'FEATURES_TOO_DEEP' },
};

/**
 * Throws InvalidRequest naming the field: `CANDIDATES_TOO_MANY`, `CONTEXT_KEYS_TOO_MANY`, `CONTEXT_TOO_LARGE`,
 * `CONTEXT_TOO_DEEP`, `FEATURES_KEYS_TOO_MANY`, `FEATURES_TOO_LARGE`, `FEATURES_TOO_DEEP`. Whatever else may be wrong with
 * the request is for its schema to say.
 */
export function refuseOversize(body: unknown): void {
  if (!isRecord(body)) return;
  const { context, candidates } = body;
  if (isRecord(context)) checkRecord(context, CONTEXT, 'context');
  if (!Array.isArray(candidates)) return;
  if (candidates.length > CANDIDATES_MAX) {
    const message = `candidates has ${candidates.length} entries; at most ${CANDIDATES_MAX} are allowed.`;
    throw invalidRequest('CANDIDATES_TOO_MANY', message, 'candidates');
  }
  let total = 0;
  for (let i = 0; i < candidates.length; i++) {
    const features: unknown = (candidates[i] as { features?: unknown } | null | undefined)?.features;
    if (!isRecord(features)) continue;
    total += checkRecord(features, FEATURES, `candidates[${i}].features`);
    if (total > FEATURES_TOTAL_MAX) {
      const message = `The candidates of a request may have ${FEATURES_TOTAL_MAX} features together.`;
      throw invalidRequest('FEATURES_KEYS_TOO_MANY', message, 'candidates');
    }
  }
}

/** The number of keys. */
function checkRecord(record: Readonly<Record<string, unknown>>, bounds: RecordBounds, field: string): number {
  const { keysMax, bytesMax, codes } = bounds;
  let keys = 0;
  let bytes = 0;
  for (const name in record) {
    if (++keys > keysMax) throw invalidRequest(codes.keys, `${field} may have ${keysMax} keys.`, field);
    const value = record[name];
    if (typeof value === 'object' && value !== null) {
      throw invalidRequest(codes.depth, `${field} holds plain values, not lists or objects.`, fieldWithin(field, name));
    }
    bytes += Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
    if (bytes > bytesMax) {
      throw invalidRequest(codes.bytes, `The names and texts of ${field} may have ${bytesMax} bytes.`, field);
    }
  }
  return keys;
}

/** A name that is itself too long for an error is left out of it. */
const fieldWithin = (field: string, name: string): string => (name.length > 64 ? field : `${field}.${name}`);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
