/** What is saved of an external learner: its state, which only it can read, with its place in the stream; and its gate. */
import { z } from 'zod';
import { EngineError } from '../../../kernel/errors.js';
import { DataSchema, THIS_BUILD } from '../../../messages/versions.js';
import { savedGateSchema } from '../../../learners/promotion/index.js';
import { readCheckpoint } from '../checkpoint.js';

/** The kind of learners that run in processes of their own. */
export const EXTERNAL_KIND = 'external';

/** The kind that the checkpoint of such a learner's gate names. */
export const GATE_KIND = 'external-gate';

const written = {
  v: z.number().int(),
  learner: z.string(),
  surface: z.string(),
  /** Lease epoch of its writer. */
  epoch: z.number().int().nonnegative(),
  savedAtMs: z.number(),
  cursor: z.string().nullable(),
} as const;

const externalCheckpointSchema = z.strictObject({
  ...written,
  kind: z.literal(EXTERNAL_KIND),
  experiences: z.number().int().nonnegative(),
  state: z.string(),
});
export type ExternalCheckpoint = z.infer<typeof externalCheckpointSchema>;

/** The cursor is the gate's own: how far the evidence goes. */
const gateCheckpointSchema = z.strictObject({ ...written, kind: z.literal(GATE_KIND), gate: savedGateSchema });
export type GateCheckpoint = z.infer<typeof gateCheckpointSchema>;

/** In the schema that its `v` names. */
export const encodeExternalCheckpoint = (checkpoint: ExternalCheckpoint): Uint8Array => encode(checkpoint);

/** In the schema that its `v` names. */
export const encodeGateCheckpoint = (checkpoint: GateCheckpoint): Uint8Array => encode(checkpoint);

function encode(checkpoint: ExternalCheckpoint | GateCheckpoint): Uint8Array {
  const stored = new DataSchema(THIS_BUILD, checkpoint.v).write('learner-checkpoint', checkpoint);
  return Buffer.from(JSON.stringify(stored), 'utf8');
}

/** Throws Invariant `CHECKPOINT_INVALID` or `CHECKPOINT_FOREIGN`, Configuration `DATA_TOO_NEW` or `DATA_TOO_OLD`. */
export const decodeExternalCheckpoint = (bytes: Uint8Array, learner: string, surface: string): ExternalCheckpoint =>
  decode(externalCheckpointSchema, bytes, learner, surface);

/** Throws as `decodeExternalCheckpoint` does. */
export const decodeGateCheckpoint = (bytes: Uint8Array, learner: string, surface: string): GateCheckpoint =>
  decode(gateCheckpointSchema, bytes, learner, surface);

function decode<T extends { learner: string; surface: string }>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  learner: string,
  surface: string,
): T {
  const parsed = schema.safeParse(readCheckpoint(bytes));
  if (!parsed.success || parsed.data.learner !== learner || parsed.data.surface !== surface)
    throw new EngineError(
      'Invariant',
      'CHECKPOINT_FOREIGN',
      `The checkpoint of ${learner} is not one of an external learner for ${surface}. Give this learner another id.`,
    );
  return parsed.data;
}
