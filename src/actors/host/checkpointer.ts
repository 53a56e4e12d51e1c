/**
 * Moves a partition's checkpoint forward: every actor touched up to a sequence is saved at that sequence or later, all
 * outputs up to it are acknowledged, and only then does the checkpoint say so.
 */
import { EngineError } from '../../kernel/errors.js';
import type { Slices } from '../../kernel/slices.js';
import { THIS_SCHEMA, type DataSchema } from '../../messages/versions.js';
import type { SharedState } from './actor-kind.js';
import { epochOf, superseded, type ActivationStore } from './activation-store.js';
import type { PartitionFold } from './fold.js';
import { joinChunks, LargeValues } from './large-values.js';
import type { KeyValue, Stored } from './ports.js';
import type { Protections } from './protections.js';
import { Redriven } from './redriven.js';
import {
  CHECKPOINT_KEY,
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
  /** This build's, where left out. */
  readonly schema?: DataSchema;
  readonly protections: Protections;
  readonly slices: Slices;
  readonly position: () => Position;
  readonly acknowledged: (sequence: number) => Promise<void>;
  /** Throws StaleOwner where this owner may no longer write. */
  readonly assertOwner: () => void;
  /** Keys of the actors whose broadcast is owed; nobody's, where left out. */
  readonly owed?: () => string[];
  /** What is stored as the tenure begins. */
  readonly loaded: LoadedCheckpoint<Shared> | undefined;
}

type Mark = readonly [sequence: number, foldTimeMs: number];

export class Checkpointer<Shared> {
  /** Sequence that the stored checkpoint covers. */
  sequence: number;
  private marks: readonly Mark[];
  private revision: number;
  private readonly large: LargeValues;
  private running: Promise<void> | undefined;

  constructor(private readonly options: CheckpointerOptions<Shared>) {
    const { snapshots, epoch, slices, loaded } = options;
    this.sequence = loaded?.checkpoint.position.sequence ?? 0;
    this.revision = loaded?.revision ?? 0;
    this.marks = loaded?.checkpoint.marks ?? [];
    this.large = new LargeValues(snapshots, epoch, slices);
    if (loaded?.isCut) this.large.expect(CHECKPOINT_KEY);
  }

  /** One at a time; a call during a run joins it. Rejects with StaleOwner if a later epoch has written. */
  run(): Promise<void> {
    this.running ??= this.checkpoint().finally(() => (this.running = undefined));
    return this.running;
  }

  /** Moves it to where the fold stands now, whatever is under way. */
  async finish(): Promise<void> {
    await this.running?.catch(() => undefined);
    await this.run();
  }

  /** The last sequence known to have been folded before `horizonMs`, at most what the checkpoint covers. */
  oldest(horizonMs: number): number | undefined {
    return this.marks.findLast(([sequence, atMs]) => atMs < horizonMs && sequence <= this.sequence)?.[0];
  }

  /** Records below `sequence` are gone. */
  trimmed(sequence: number): void {
    this.marks = this.marks.filter(([mark]) => mark > sequence);
  }

  private async checkpoint(): Promise<void> {
    const { store, fold, acknowledged } = this.options;
    const position = this.options.position();
    if (position.sequence === this.sequence) return;
    const state = {
      ...fold.state,
      watermarks: new Map(fold.state.watermarks),
      chains: new Map(fold.state.chains),
      redriven: new Redriven(...fold.state.redriven.save()),
      counters: { ...fold.state.counters },
    };
    // With the state: what changes later is above the position, and a replay finds it.
    const owed = this.options.owed?.() ?? [];
    const dirty = store.dirtyNow();
    for (let i = 0; i < dirty.length; i += SAVE_GROUP) {
      await Promise.all(dirty.slice(i, i + SAVE_GROUP).map((activation) => store.save(activation)));
    }
    await acknowledged(position.sequence);
    let marks: Mark[] = [...this.marks, [position.sequence, state.foldTimeMs]];
    if (marks.length > MARKS_MAX) marks = marks.filter((_, i) => i % 2 === 1 || i > MARKS_MAX / 2);
    // Each timer may be newer than the rest: whatever has moved it since is replayed from here.
    await this.write({ position, state, timers: fold.timers.entries(), marks, owed });
    this.marks = marks;
    this.sequence = position.sequence;
    await store.checkpointed(position.sequence);
  }

  private async write(checkpoint: Checkpoint<Shared>): Promise<void> {
    const { epoch, slices, schema = THIS_SCHEMA } = this.options;
    const { sequence } = checkpoint.position;
    const body = await encodeCheckpoint(checkpoint, slices, schema);
    this.options.assertOwner();
    const cut = await this.large.cut(CHECKPOINT_KEY, body, sequence);
    const header: CheckpointHeader = cut ?? { epoch, sequence, body: Buffer.from(body).toString('utf8') };
    await this.set(Buffer.from(JSON.stringify(header)));
    await this.large.tidy(CHECKPOINT_KEY, cut);
  }

  private async set(header: Uint8Array): Promise<void> {
    const { snapshots, epoch, protections, assertOwner } = this.options;
    let revision = protections.cas ? this.revision : ((await snapshots.get(CHECKPOINT_KEY))?.revision ?? 0);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // The tenure may have ended while outputs and saves were waited for, and a later owner may have begun to replay.
      assertOwner();
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

export interface LoadedCheckpoint<Shared> {
  readonly checkpoint: Checkpoint<Shared>;
  readonly revision: number;
  readonly epoch: number;
  readonly isCut: boolean;
}

/** The stored checkpoint of a partition, or undefined where there is none; rejects with Invariant `CHECKPOINT_DAMAGED`. */
export async function loadCheckpoint<Shared>(
  snapshots: KeyValue,
  shared: SharedState<Shared>,
  schema: DataSchema = THIS_SCHEMA,
): Promise<LoadedCheckpoint<Shared> | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await snapshots.get(CHECKPOINT_KEY);
    if (!stored) return undefined;
    const header = headerOf(stored);
    const isCut = 'chunks' in header;
    const body = isCut ? await joinChunks(snapshots, header) : Buffer.from(header.body, 'utf8');
    const { revision } = stored;
    if (body) return { checkpoint: decodeCheckpoint(body, shared, schema), revision, epoch: header.epoch, isCut };
    // A chunk can vanish while another owner replaces the checkpoint; the header is then a new one.
  }
  throw damaged('The checkpoint misses a chunk.');
}

function headerOf({ value }: Stored): CheckpointHeader {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8')) as CheckpointHeader;
  } catch (cause) {
    throw damaged('The checkpoint cannot be read.', cause);
  }
}

const damaged = (message: string, cause?: unknown): EngineError =>
  new EngineError('Invariant', 'CHECKPOINT_DAMAGED', message, { cause });
