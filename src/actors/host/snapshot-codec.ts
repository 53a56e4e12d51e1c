/** Snapshots and checkpoints as stored bytes. Both say which journal they are of and what its last record was. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { JsonItems, jsonPieces } from '../../kernel/json-pieces.js';
import type { Slices } from '../../kernel/slices.js';
import { termSchema } from '../../messages/records.js';
import { foldSettingsSchema } from '../../messages/settings.js';
import {
  assertSemantics,
  isVersionRefusal,
  THIS_SCHEMA,
  type DataSchema,
  type Stored,
} from '../../messages/versions.js';
import { Activation, addressOfKey, type Trace } from './activation.js';
import type { ActorKind, SharedState } from './actor-kind.js';
import { EventTable } from './event-table.js';
import type { ChunkHeader } from './large-values.js';
import type { PartitionCounters, PartitionState } from './partition-state.js';
import { Redriven } from './redriven.js';

export const CHECKPOINT_KEY = 'checkpoint';

/** Where in which journal a stored state stands. */
export interface Position {
  readonly epoch: number;
  readonly sequence: number;
  readonly identity: string;
  /** Of the record at `sequence`; empty at 0. */
  readonly fingerprint: string;
}

const positionShape = {
  epoch: z.number(),
  sequence: z.number(),
  identity: z.string(),
  fingerprint: z.string(),
};

const snapshotSchema = z.object({
  ...positionShape,
  state: z.unknown(),
  timer: z.tuple([z.number(), z.number()]),
  seen: z.tuple([z.base64(), z.number().int()]).optional(),
  traces: z
    .array(z.tuple([z.number(), z.record(z.string(), z.number()), z.array(z.unknown()), z.number().optional()]))
    .optional(),
});

export function encodeSnapshot(activation: Activation, at: Position, schema: DataSchema = THIS_SCHEMA): Uint8Array {
  return Buffer.from(
    JSON.stringify(
      schema.write('snapshot', {
        ...at,
        state: activation.state,
        timer: [activation.timerDue, activation.timerGeneration],
        seen: activation.seen?.save(),
        traces: activation.traces,
      }),
    ),
  );
}

export interface LoadedSnapshot {
  readonly activation: Activation;
  readonly position: Position;
}

/** Throws Invariant `SNAPSHOT_DAMAGED` if the bytes are no snapshot, Configuration `DATA_*` if another build's. */
export function decodeSnapshot(
  key: string,
  bytes: Uint8Array,
  revision: number,
  kind: ActorKind<unknown, never, never>,
  schema: DataSchema = THIS_SCHEMA,
): LoadedSnapshot {
  try {
    const saved = snapshotSchema.parse(schema.read('snapshot', parse(bytes)));
    const activation = new Activation(key, addressOfKey(key), kind.revive(saved.state));
    activation.sequence = saved.sequence;
    activation.savedSequence = saved.sequence;
    activation.touchedSequence = saved.sequence;
    activation.revision = revision;
    [activation.timerDue, activation.timerGeneration] = saved.timer;
    activation.seen = saved.seen && EventTable.load(saved.seen);
    activation.traces = saved.traces as Trace[] | undefined;
    const { epoch, sequence, identity, fingerprint } = saved;
    return { activation, position: { epoch, sequence, identity, fingerprint } };
  } catch (cause) {
    if (isVersionRefusal(cause)) throw cause;
    throw new EngineError('Invariant', 'SNAPSHOT_DAMAGED', `The snapshot ${key} cannot be read.`, { cause });
  }
}

const checkpointSchema = z.object({
  ...positionShape,
  foldTimeMs: z.number(),
  term: termSchema,
  settings: foldSettingsSchema,
  semantics: z.number().int().min(1),
  idKey: z.string(),
  redriven: z.tuple([z.array(z.tuple([z.number(), z.number()])), z.number()]),
  shared: z.unknown(),
  watermarks: z.array(z.tuple([z.string(), z.number(), z.number()])),
  chains: z.array(z.tuple([z.string(), z.number(), z.number()])),
  timers: z.array(z.tuple([z.string(), z.number(), z.number()])),
  counters: z.record(z.string(), z.number()),
  adopting: z.boolean().default(false),
  /** (sequence, fold time) of earlier checkpoints, oldest first: what retention is computed from. */
  marks: z.array(z.tuple([z.number(), z.number()])),
  owed: z.array(z.string()).default([]),
});

export interface Checkpoint<Shared> {
  readonly position: Position;
  readonly state: PartitionState<Shared>;
  readonly timers: Iterable<readonly [key: string, due: number, generation: number]>;
  readonly marks: readonly (readonly [sequence: number, foldTimeMs: number])[];
  /** Keys of the actors whose broadcast the state stream has not taken. */
  readonly owed?: readonly string[];
}

/** In slices: of the timers each is as it is when its turn comes, and all the rest is `checkpoint`'s. */
export async function encodeCheckpoint<Shared>(
  checkpoint: Checkpoint<Shared>,
  slices: Slices,
  schema: DataSchema = THIS_SCHEMA,
): Promise<Uint8Array> {
  const { position, state, timers, marks, owed = [] } = checkpoint;
  const written = schema.write('checkpoint', {
    ...position,
    foldTimeMs: state.foldTimeMs,
    term: state.term,
    settings: state.settings,
    semantics: state.semantics,
    idKey: state.idKey,
    redriven: state.redriven.save(),
    shared: state.shared,
    watermarks: Array.from(state.watermarks, ([source, [s, i]]) => [source, s, i]),
    chains: Array.from(state.chains, ([target, [s, i]]) => [target, s, i]),
    // A step down to an older schema sees plain data.
    timers: schema.isNewest ? new JsonItems(timers) : [...timers],
    counters: state.counters,
    adopting: state.adopting,
    marks,
    // The field is left out where nobody is owed anything.
    ...(owed.length > 0 ? { owed } : {}),
  });
  const pieces = jsonPieces(written);
  const encoded: Uint8Array[] = [];
  for (;;) {
    const isDone = await slices.run(() => {
      const { done, value } = pieces.next();
      if (value !== undefined) encoded.push(Buffer.from(value));
      return done === true;
    });
    if (isDone) return Buffer.concat(encoded);
  }
}

export function decodeCheckpoint<Shared>(
  bytes: Uint8Array,
  shared: SharedState<Shared>,
  schema: DataSchema = THIS_SCHEMA,
): Checkpoint<Shared> {
  try {
    const saved = checkpointSchema.parse(schema.read('checkpoint', parse(bytes)));
    assertSemantics(saved.semantics, schema.build);
    const { epoch, sequence, identity, fingerprint } = saved;
    return {
      position: { epoch, sequence, identity, fingerprint },
      state: {
        sequence,
        foldTimeMs: saved.foldTimeMs,
        term: saved.term,
        settings: saved.settings,
        semantics: saved.semantics,
        idKey: saved.idKey,
        redriven: new Redriven(...saved.redriven),
        shared: shared.revive(saved.shared),
        watermarks: new Map(saved.watermarks.map(([source, s, i]) => [source, [s, i] as const])),
        chains: new Map(saved.chains.map(([target, s, i]) => [target, [s, i] as const])),
        counters: saved.counters as unknown as PartitionCounters,
        adopting: saved.adopting,
      },
      timers: saved.timers,
      marks: saved.marks,
      owed: saved.owed,
    };
  } catch (cause) {
    if (isVersionRefusal(cause)) throw cause;
    throw new EngineError('Invariant', 'CHECKPOINT_DAMAGED', 'The checkpoint cannot be read.', { cause });
  }
}

function parse(bytes: Uint8Array): Stored {
  const json = JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  if (typeof json !== 'object' || json === null) throw new Error('it is not a JSON object');
  return json as Stored;
}

/** Identifies one record of one journal: enough to notice that history was rewritten under a snapshot. */
export function fingerprintOf(subject: string, payload: Uint8Array): string {
  return createHash('sha256').update(subject).update('\n').update(payload).digest('base64url').slice(0, 16);
}

/** What stands under CHECKPOINT_KEY: the body itself where it is small, else the keys of its chunks. */
export type CheckpointHeader =
  { readonly epoch: number; readonly sequence: number; readonly body: string } | ChunkHeader;
