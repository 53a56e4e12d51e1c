/** What a learner goes on from after a crash, on whatever host. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { DataSchema, isVersionRefusal, THIS_BUILD, THIS_SCHEMA, type Stored } from '../../messages/versions.js';
import { savedGateSchema } from '../../learners/promotion/index.js';
import { savedLedgerSchema } from './action-ledger.js';
import { savedWatermarksSchema } from './chain-watermarks.js';
import { tallySchema } from './tally.js';

export const sessionStateSchema = z.strictObject({
  /** The learner's own; its plug-in's schema checks it. */
  state: z.unknown(),
  random: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  /** Last sequence of the experience stream that the state covers, and the stream it is of. */
  position: z.number().int().nonnegative(),
  identity: z.string(),
  watermarks: savedWatermarksSchema,
  tally: tallySchema,
  /** Left out by builds that kept none. */
  ledger: savedLedgerSchema.optional(),
  /** Of learners with a gate. */
  gate: savedGateSchema.optional(),
});
export type SessionState = z.infer<typeof sessionStateSchema>;

export const checkpointSchema = z.strictObject({
  v: z.number().int(),
  learner: z.string(),
  kind: z.string(),
  surface: z.string(),
  /** Lease epoch of its writer. */
  epoch: z.number().int().nonnegative(),
  savedAtMs: z.number(),
  session: sessionStateSchema,
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

/**
 * A replay buffer has megabytes, and they go through the process and the server that decisions go through. So large
 * checkpoints are rare; what a crash costs is learned again from the stream.
 */
const LARGE_BYTES = 256 * 1024;
const SAVED_BYTES_PER_MS = 64;
const SAVE_REST_MAX_MS = 300_000;

/** How long to make no checkpoint that one could do without, after one of so many bytes. */
export const saveRestMs = (bytes: number): number =>
  bytes < LARGE_BYTES ? 0 : Math.min(bytes / SAVED_BYTES_PER_MS, SAVE_REST_MAX_MS);

/** What is saved of a learner: itself, or apart from it the gate of one that runs in a process of its own. */
export type CheckpointPart = 'learner' | 'gate';

/** How far the experience stream of that identity is covered by a checkpoint. */
export interface StreamPlace {
  readonly identity: string;
  /** Last sequence. */
  readonly position: number;
}

export interface CheckpointStore {
  /** The bytes last saved of that part, the learner itself if left out; undefined where there are none. */
  load(learnerId: string, part?: CheckpointPart): Promise<Uint8Array | undefined>;
  /**
   * `place`: what the bytes cover, so that the stream may be trimmed up to there. Rejects with StaleOwner
   * `CHECKPOINT_STALE_EPOCH` once a later epoch has saved that part.
   */
  save(
    learnerId: string,
    bytes: Uint8Array,
    epoch: number,
    part: CheckpointPart,
    place: StreamPlace | undefined,
  ): Promise<void>;
}

/**
 * In the schema that its `v` names. Throws Invariant `LEARNER_STATE_NOT_FINITE`: JSON would turn such a number into null without a word.
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const stored = new DataSchema(THIS_BUILD, checkpoint.v).write('learner-checkpoint', checkpoint);
  const json = JSON.stringify(stored, (key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new EngineError('Invariant', 'LEARNER_STATE_NOT_FINITE', `The learner's state has ${value} in ${key}.`);
    return value;
  });
  return Buffer.from(json, 'utf8');
}

/** Throws Invariant `CHECKPOINT_INVALID`, Configuration `DATA_TOO_NEW` or `DATA_TOO_OLD`. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const parsed = checkpointSchema.safeParse(readCheckpoint(bytes));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw invalid(`${issue.path.join('.')}: ${issue.message}`);
}

/** Any learner's checkpoint, as this build's schema has it; its contents are not looked at yet. */
export function readCheckpoint(bytes: Uint8Array): Stored {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
  if (typeof json !== 'object' || json === null) throw invalid('it is not a JSON object');
  // The first ones counted their schemas apart from the rest.
  const stored = 'v' in json || !('schema' in json) ? (json as Stored) : { ...json, v: json.schema };
  try {
    return THIS_SCHEMA.read('learner-checkpoint', stored);
  } catch (error) {
    if (isVersionRefusal(error)) throw error;
    throw invalid(String(error), error);
  }
}

const invalid = (what: string, cause?: unknown): EngineError =>
  new EngineError('Invariant', 'CHECKPOINT_INVALID', `The stored checkpoint cannot be read: ${what}.`, { cause });
