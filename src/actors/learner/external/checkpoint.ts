/** What an external learner saved: its state, which only it can read, and its place in the stream. */
import { z } from 'zod';
import { EngineError } from '../../../kernel/errors.js';

/** The kind of learners that run in processes of their own. */
export const EXTERNAL_KIND = 'external';

const externalCheckpointSchema = z.strictObject({
  schema: z.literal(1),
  learner: z.string(),
  kind: z.literal(EXTERNAL_KIND),
  surface: z.string(),
  /** Lease epoch of its writer. */
  epoch: z.number().int().nonnegative(),
  savedAtMs: z.number(),
  cursor: z.string().nullable(),
  experiences: z.number().int().nonnegative(),
  state: z.string(),
});
export type ExternalCheckpoint = z.infer<typeof externalCheckpointSchema>;

export const encodeExternalCheckpoint = (checkpoint: ExternalCheckpoint): Uint8Array =>
  Buffer.from(JSON.stringify(checkpoint), 'utf8');

/** Throws Invariant `CHECKPOINT_INVALID` or `CHECKPOINT_FOREIGN`. */
export function decodeExternalCheckpoint(bytes: Uint8Array, learner: string, surface: string): ExternalCheckpoint {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new EngineError('Invariant', 'CHECKPOINT_INVALID', 'The stored checkpoint is not JSON.', { cause });
  }
  const parsed = externalCheckpointSchema.safeParse(json);
  if (!parsed.success || parsed.data.learner !== learner || parsed.data.surface !== surface)
    throw new EngineError(
      'Invariant',
      'CHECKPOINT_FOREIGN',
      `The checkpoint of ${learner} is not one of an external learner for ${surface}. Give this learner another id.`,
    );
  return parsed.data;
}
