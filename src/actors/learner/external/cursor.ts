/** A learner's place in the experience stream, as one opaque text: it travels with every request and every checkpoint. */
import { z } from 'zod';
import { invalidRequest } from '../../../kernel/errors.js';
import type { StreamPlace } from '../checkpoint.js';
import { ChainWatermarks, savedWatermarksSchema } from '../chain-watermarks.js';

const cursorSchema = z.strictObject({
  /** Identity of the stream; a stream that was made anew has other sequences. */
  identity: z.string(),
  position: z.number().int().nonnegative(),
  watermarks: savedWatermarksSchema,
});

export interface Place {
  /** Last sequence that was passed. */
  readonly position: number;
  readonly watermarks: ChainWatermarks;
}

export function encodeCursor(identity: string, { position, watermarks }: Place): string {
  return Buffer.from(JSON.stringify({ identity, position, watermarks: watermarks.save() }), 'utf8').toString(
    'base64url',
  );
}

/**
 * Where a cursor points in the stream of that identity; null points before its beginning. Throws InvalidRequest
 * `CURSOR_INVALID`.
 */
export function decodeCursor(cursor: string | null, identity: string): Place {
  if (cursor === null) return { position: 0, watermarks: new ChainWatermarks() };
  const saved = parse(cursor);
  const watermarks = new ChainWatermarks(saved.watermarks);
  if (saved.identity === identity) return { position: saved.position, watermarks };
  watermarks.rejoin();
  return { position: 0, watermarks };
}

/** The stream that a cursor is of, and where it points; undefined for null. Throws InvalidRequest `CURSOR_INVALID`. */
export function streamPlaceOf(cursor: string | null): StreamPlace | undefined {
  if (cursor === null) return undefined;
  const { identity, position } = parse(cursor);
  return { identity, position };
}

function parse(cursor: string): z.infer<typeof cursorSchema> {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw invalidRequest('CURSOR_INVALID', 'cursor is none that this engine has given out.', 'cursor');
  }
}
