/**
 * Moves a partition's checkpoint forward: every actor touched up to a sequence is saved at that sequence or later, all
 * outputs up to it are acknowledged, and only then does the checkpoint say so.
 */
import type { SharedState } from './actor-kind.js';
import { epochOf, superseded, type ActivationStore } from './activation-store.js';
import type { PartitionFold } from './fold.js';
import type { KeyValue, Stored } from './ports.js';
import type { Protections } from './protections.js';
import {
  CHECKPOINT_KEY,
  chunkKey,
  CHUNK_BYTES,
  decodeCheckpoint,
  encodeCheckpoint,
  type Checkpoint,
  type CheckpointHeader,
  type Position,
} from './snapshot-codec.js';

const SAVE_GROUP = 64;
const MARKS_MAX = 512;
const ATTEMPTS = 4;

export interface CheckpointerOptions<Shared> {
  readonly snapshots: KeyValue;
  readonly store: ActivationStore;
  readonly fold: PartitionFold<Shared>;
  readonly epoch: number;
  readonly protections: Protections;
  readonly position: () => Position;
  readonly acknowledged: (sequence: number) => Promise<void>;
  readonly revision: number;
  readonly marks: Checkpoint<Shared>['marks'];
  readonly sequence: number;
}

export class Checkpointer<Shared> {
  /** Sequence that the stored checkpoint covers. */
  sequence: number;
  marks: (readonly [sequence: number, foldTimeMs: number])[];
  private revision: number;
  private chunks: readonly string[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly options: CheckpointerOptions<Shared>) {
    this.sequence = options.sequence;
    this.revision = options.revision;
    this.marks = [...options.marks];
  }

  /** One at a time; a call during a run joins it. Rejects with StaleOwner if a later epoch has written. */
  run(): Promise<void> {
    this.running ??= this.checkpoint().finally(() => (this.running = undefined));
    return this.running;
  }

  private async checkpoint(): Promise<void> {
    const { store, fold, acknowledged } = this.options;
    const position = this.options.position();
    if (position.sequence === this.sequence) return;
    const state = {
      ...fold.state,
      watermarks: new Map(fold.state.watermarks),
      chains: new Map(fold.state.chains),
      counters: { ...fold.state.counters },
    };
    const dirty = store.dirtyNow();
    for (let i = 0; i < dirty.length; i += SAVE_GROUP) {
      await Promise.all(dirty.slice(i, i + SAVE_GROUP).map((activation) => store.save(activation)));
    }
    await acknowledged(position.sequence);
    this.marks.push([position.sequence, state.foldTimeMs]);
    if (this.marks.length > MARKS_MAX) this.marks = this.marks.filter((_, i) => i % 2 === 1 || i > MARKS_MAX / 2);
    // Timers may be newer than the rest: whatever moved them since is replayed from here.
    await this.write({ position, state, timers: fold.timers.entries(), marks: this.marks });
    this.sequence = position.sequence;
    await store.checkpointed(position.sequence);
  }

  private async write(checkpoint: Checkpoint<Shared>): Promise<void> {
    const { snapshots, epoch } = this.options;
    const { sequence } = checkpoint.position;
    const body = encodeCheckpoint(checkpoint);
    const old = this.chunks;
    const chunks: string[] = [];
    let header: CheckpointHeader;
    if (body.length <= CHUNK_BYTES) {
      header = { epoch, sequence, body: Buffer.from(body).toString('utf8') };
    } else {
      for (let i = 0; i * CHUNK_BYTES < body.length; i++) {
        const key = chunkKey(epoch, sequence, i);
        const known = await snapshots.get(key);
        await snapshots.put(key, body.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES), known?.revision ?? 0);
        chunks.push(key);
      }
      header = { epoch, sequence, chunks };
    }
    await this.set(Buffer.from(JSON.stringify(header)));
    this.chunks = chunks;
    for (const key of old) {
      const stored = await snapshots.get(key);
      if (stored && !chunks.includes(key)) await snapshots.remove(key, stored.revision);
    }
  }

  private async set(header: Uint8Array): Promise<void> {
    const { snapshots, epoch, protections } = this.options;
    let revision = protections.cas ? this.revision : ((await snapshots.get(CHECKPOINT_KEY))?.revision ?? 0);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const written = await snapshots.put(CHECKPOINT_KEY, header, revision);
      if (written !== undefined) {
        this.revision = written;
        return;
      }
      const stored = await snapshots.get(CHECKPOINT_KEY);
      if (stored && protections.cas && epochOf(stored.value) > epoch) throw superseded();
      revision = stored?.revision ?? 0;
    }
    throw superseded();
  }
}

/** The stored checkpoint of a partition, or undefined where there is none. */
export async function loadCheckpoint<Shared>(
  snapshots: KeyValue,
  shared: SharedState<Shared>,
): Promise<{ checkpoint: Checkpoint<Shared>; revision: number; epoch: number } | undefined> {
  for (let attempt = 0; ; attempt++) {
    const stored = await snapshots.get(CHECKPOINT_KEY);
    if (!stored) return undefined;
    const header = JSON.parse(Buffer.from(stored.value).toString('utf8')) as CheckpointHeader;
    const body = await bodyOf(header, snapshots);
    // A chunk can vanish while another owner replaces the checkpoint; the header is then a new one.
    if (!body && attempt < ATTEMPTS) continue;
    if (!body) throw new Error('the checkpoint misses a chunk');
    return { checkpoint: decodeCheckpoint(body, shared), revision: stored.revision, epoch: header.epoch };
  }
}

async function bodyOf(header: CheckpointHeader, snapshots: KeyValue): Promise<Uint8Array | undefined> {
  if ('body' in header) return Buffer.from(header.body, 'utf8');
  const parts: (Stored | undefined)[] = await Promise.all(header.chunks.map((key) => snapshots.get(key)));
  if (parts.some((part) => part === undefined)) return undefined;
  return Buffer.concat(parts.map((part) => part!.value));
}
