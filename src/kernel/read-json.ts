/** JSON that somebody else has written: what it is not never throws. */
import type { ZodType } from 'zod';

/** The value, if the bytes are JSON of this schema; undefined otherwise. */
export function readJson<T>(bytes: Uint8Array, schema: ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')))
      .data;
  } catch {
    return undefined;
  }
}
