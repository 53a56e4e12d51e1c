/** What an external learner saved: its state, which only it can read, and its place in the stream. */
import { z } from 'zod';
import { EngineError } from '../../../kernel/errors.js';
import { DataSchema, THIS_BUILD } from '../../../messages/versions.js';
import { readCheckpoint } from '../checkpoint.js';

/** The kind of learners that run in processes of their own. */
export const EXTERNAL_KIND = 'external';

const externalCheckpointSchema = z.strictObject({
  v: z.number().int(),
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

/** In the schema that its `v` names. */
export function encodeExternalCheckpoint(checkpoint: ExternalCheckpoint): Uint8Array {
  const stored = new DataSchema(THIS_BUILD, checkpoint.v).write('learner-checkpoint', checkpoint);
  return Buffer.from(JSON.stringify(stored), 'utf8');
}

/** Throws Invariant `CHECKPOINT_INVALID` or `CHECKPOINT_FOREIGN`, Configuration `DATA_TOO_NEW` or `DATA_TOO_OLD`. */
export function decodeExternalCheckpoint(bytes: Uint8Array, learner: string, surface: string): ExternalCheckpoint {
  const parsed = externalCheckpointSchema.safeParse(readCheckpoint(bytes));
  if (!parsed.success || parsed.data.learner !== learner || parsed.data.surface !== surface)
    throw new EngineError(
      'Invariant',
      'CHECKPOINT_FOREIGN',
      `The checkpoint of ${learner} is not one of an external learner for ${surface}. Give this learner another id.`,
    );
  return parsed.data;
}
