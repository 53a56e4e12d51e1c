/** What is saved of an external learner: its state, which only it can read, with its place in the stream; and its gate. */
import { z } from 'zod';
import { EngineError } from '../../../kernel/errors.js';
import type { Slices } from '../../../kernel/slices.js';
import { DataSchema, THIS_BUILD, type Stored } from '../../../messages/versions.js';
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

/**
 * In the schema that its `v` names, of a state in pieces, and in slices: thirty megabytes encoded in one go would hold up decisions
 * for as many milliseconds, and more.
 */
export async function encodeExternalCheckpoint(
  checkpoint: Omit<ExternalCheckpoint, 'state'>,
  pieces: readonly string[],
  slices: Slices,
): Promise<Uint8Array> {
  const { state: _, ...head } = storedOf({ ...checkpoint, state: '' });
  const parts = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"state":"`, 'utf8')];
  // A pair of surrogates that was cut in two becomes two escapes, which are one character again where they are read.
  for (const piece of pieces)
    await slices.run(() => void parts.push(Buffer.from(JSON.stringify(piece).slice(1, -1), 'utf8')));
  parts.push(Buffer.from('"}', 'utf8'));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts)
    await slices.run(() => {
      bytes.set(part, at);
      at += part.length;
    });
  return bytes;
}

/** In the schema that its `v` names. */
export const encodeGateCheckpoint = (checkpoint: GateCheckpoint): Uint8Array =>
  Buffer.from(JSON.stringify(storedOf(checkpoint)), 'utf8');

const storedOf = (checkpoint: ExternalCheckpoint | GateCheckpoint): Stored =>
  new DataSchema(THIS_BUILD, checkpoint.v).write('learner-checkpoint', checkpoint);

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
