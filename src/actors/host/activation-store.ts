/** The activations of one partition: loading from snapshots, saving to them, and leaving memory again. */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { ENGINE_APP } from '../../kernel/ids.js';
import { readJson } from '../../kernel/read-json.js';
import type { Slices } from '../../kernel/slices.js';
import { THIS_SCHEMA, type DataSchema } from '../../messages/versions.js';
import { Activation, keyOf } from './activation.js';
import type { ActorAddress, ActorKind } from './actor-kind.js';
import { AppShares } from './app-shares.js';
import { chunkHeaderSchema, isChunkHeader, LargeValues } from './large-values.js';
import type { KeyValue, Stored } from './ports.js';
import type { Protections } from './protections.js';
import { decodeSnapshot, encodeSnapshot, type Position } from './snapshot-codec.js';

export type PassivationReason = 'idle' | 'least-recently-used' | 'released' | 'stepped-down';

const SAVE_ATTEMPTS = 4;
const LOAD_ATTEMPTS = 4;
/** Snapshots that are saved, or removed, at once. */
const GROUP = 64;
/** Activations looked through in one piece. */
const PRUNE_GROUP = 512;
/** Actors passivated in one go before others get a turn. */
const SWEEP_MAX = 2_000;
/**
 * A vacant actor's snapshot stays for so long. Where nothing is stored, a former owner's first save of the actor, long
 * held up on its way, would be let in and bring back what is over; against a stored revision it is a conflict.
 */
const VACANT_SNAPSHOT_KEEP_MS = 3_600_000;
const VACATED_MAX = 100_000;
/** An actor used again within it keeps its place in the order of use: moving it each time would cost more than it tells. */
const RECENT_MS = 1_000;

export interface ActivationStoreOptions {
  readonly snapshots: KeyValue;
  readonly kinds: ReadonlyMap<string, ActorKind<unknown, never, never>>;
  readonly clock: Clock;
  readonly protections: Protections;
  readonly slices: Slices;
  readonly epoch: number;
  /** This build's, where left out. */
  readonly schema?: DataSchema;
  /** Where the fold stands now. */
  readonly position: () => Position;
  /** Checks a former owner's snapshot against the journal; throws or rejects with Invariant where they disagree. */
  readonly verify: (key: string, position: Position) => Promise<void> | void;
  /** Throws StaleOwner where this owner may no longer write. */
  readonly assertOwner: () => void;
  /** Resolves when all outputs of records up to the sequence are acknowledged. */
  readonly acknowledged: (sequence: number) => Promise<void>;
  /** Whether several apps share the memory: each then has its part of it. */
  readonly isShared?: boolean;
}

export class ActivationStore {
  /** Least recently used first. */
  private readonly active = new Map<string, Activation>();
  private readonly loading = new Map<string, Promise<Activation>>();
  private readonly dirty = new Set<Activation>();
  /** The last save of an actor under way; never rejects. */
  private readonly saving = new Map<Activation, Promise<void>>();
  /** Snapshots of vacant actors, oldest first: removed once the checkpoint has passed them and they are old enough. */
  private vacated: { key: string; revision: number; sequence: number; atMs: number }[] = [];
  private readonly large: LargeValues;
  readonly passivations: Record<PassivationReason, number> = {
    idle: 0,
    'least-recently-used': 0,
    released: 0,
    'stepped-down': 0,
  };

  private readonly schema: DataSchema;
  private readonly shares: AppShares | undefined;

  constructor(private readonly options: ActivationStoreOptions) {
    this.schema = options.schema ?? THIS_SCHEMA;
    this.shares = options.isShared ? new AppShares() : undefined;
    this.large = new LargeValues(options.snapshots, options.epoch, options.slices);
  }

  get size(): number {
    return this.active.size;
  }

  get dirtyCount(): number {
    return this.dirty.size;
  }

  /** The activation if it is in memory; counts as a use. */
  peek(key: string): Activation | undefined {
    const activation = this.active.get(key);
    if (!activation) return undefined;
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - activation.lastUsedMs >= RECENT_MS) {
      this.active.delete(key);
      this.active.set(key, activation);
      this.shares?.use(activation);
      activation.lastUsedMs = nowMs;
    }
    return activation;
  }

  /**
   * From memory, or from its snapshot, or fresh: then it takes of the app's share of the memory. Rejects with Dependency
   * errors when the store is out of reach.
   */
  activate(address: ActorAddress, app: string = ENGINE_APP): Activation | Promise<Activation> {
    const key = keyOf(address);
    return this.peek(key) ?? this.loading.get(key) ?? this.load(key, address, app);
  }

  markDirty(activation: Activation): void {
    if (activation.dirty) this.dirty.add(activation);
  }

  dirtyNow(): Activation[] {
    return [...this.dirty];
  }

  /**
   * Saves the state as it is now, unless it is saved already; resolves when it is stored. Saves of one actor follow each
   * other: an older state must never replace a newer one. Rejects with StaleOwner if a later epoch has written.
   */
  save(activation: Activation): Promise<void> {
    const before = this.saving.get(activation);
    const save = before === undefined ? this.write(activation) : before.then(() => this.write(activation));
    const settled = save.catch(() => undefined);
    this.saving.set(activation, settled);
    void settled.then(() => {
      if (this.saving.get(activation) === settled) this.saving.delete(activation);
    });
    return save;
  }

  private async write(activation: Activation): Promise<void> {
    if (!activation.dirty) return;
    // In one piece: the state is the one at that position.
    const { at, bytes, vacant } = await this.options.slices.run(() => {
      const position = this.options.position();
      return {
        at: position,
        bytes: encodeSnapshot(activation, position, this.schema),
        vacant: this.isVacant(activation),
      };
    });
    // Outputs of everything in it are acknowledged first: a replay will not produce them again.
    await this.options.acknowledged(at.sequence);
    activation.revision = await this.put(activation.key, bytes, at.sequence, activation.revision);
    activation.savedSequence = Math.max(activation.savedSequence, at.sequence);
    if (!activation.dirty) this.dirty.delete(activation);
    if (vacant) this.vacate(activation, at.sequence);
  }

  private vacate({ key, revision }: Activation, sequence: number): void {
    this.vacated.push({ key, revision, sequence, atMs: this.options.clock.monotonicMs() });
  }

  /** Told that the checkpoint stands at `sequence`. */
  async checkpointed(sequence: number): Promise<void> {
    await this.pruneTraces(sequence);
    const oldMs = this.options.clock.monotonicMs() - VACANT_SNAPSHOT_KEEP_MS;
    // Above the limit the oldest go early: a bucket that only grows would be worse than the rare late save.
    const excess = this.vacated.length - VACATED_MAX;
    const isGone = (v: { sequence: number; atMs: number }, i: number): boolean =>
      v.sequence <= sequence && (v.atMs <= oldMs || i < excess);
    const gone = this.vacated.filter(isGone);
    if (gone.length === 0) return;
    this.vacated = this.vacated.filter((v, i) => !isGone(v, i));
    await inGroups(gone, async ({ key, revision }) => {
      const activation = this.active.get(key);
      // Its snapshot is in use again, or has been written since: compare-and-set decides the rest.
      if (activation && activation.revision !== revision) return;
      const removed = await this.options.slices.run(() => {
        this.options.assertOwner();
        return this.options.snapshots.remove(key, revision);
      });
      if (removed && activation?.revision === revision) activation.revision = 0;
    });
  }

  private async pruneTraces(sequence: number): Promise<void> {
    const activations = this.active.values();
    const prune = (): boolean => {
      for (let i = 0; i < PRUNE_GROUP; i++) {
        const { done, value } = activations.next();
        if (done) return true;
        if (value.traces) value.pruneTraces(sequence);
      }
      return false;
    };
    while (!(await this.options.slices.run(prune)));
  }

  /**
   * Passivates what is over the limit or idle, saving what is dirty; `isPinned` actors stay. Goes on until nothing is
   * left to do, so that memory is bounded however fast actors are activated.
   */
  async sweep(limit: number, idleMs: number, isPinned: (key: string) => boolean): Promise<void> {
    while (await this.sweepSome(limit, idleMs, isPinned));
  }

  /** Resolves to whether there may be more to do. */
  private async sweepSome(limit: number, idleMs: number, isPinned: (key: string) => boolean): Promise<boolean> {
    const idleBefore = this.options.clock.monotonicMs() - idleMs;
    const candidates = new Map<Activation, PassivationReason>();
    for (const activation of this.excess(limit)) {
      if (candidates.size === SWEEP_MAX) break;
      if (!isPinned(activation.key)) candidates.set(activation, 'least-recently-used');
    }
    for (const activation of this.active.values()) {
      if (candidates.size === SWEEP_MAX || activation.lastUsedMs >= idleBefore) break;
      if (!isPinned(activation.key) && !candidates.has(activation)) candidates.set(activation, 'idle');
    }
    let left = 0;
    await inGroups([...candidates], async ([activation, reason]) => {
      if (activation.dirty) await this.save(activation);
      // It may have been used meanwhile; what is not saved stays, and what was saved by now is the snapshot.
      if (activation.dirty || isPinned(activation.key) || this.active.get(activation.key) !== activation) return;
      this.active.delete(activation.key);
      this.shares?.leave(activation);
      this.passivations[reason]++;
      left++;
    });
    return candidates.size === SWEEP_MAX && left > 0;
  }

  /** Those over the limit: of all the least recently used, or of those apps that have more than their share. */
  private *excess(limit: number): Generator<Activation, undefined> {
    let excess = this.active.size - limit;
    if (excess <= 0) return undefined;
    if (this.shares) return yield* this.shares.excess(limit);
    for (const activation of this.active.values()) {
      if (excess-- === 0) break;
      yield activation;
    }
    return undefined;
  }

  clear(reason: PassivationReason): void {
    this.passivations[reason] += this.active.size;
    this.active.clear();
    this.shares?.clear();
    this.dirty.clear();
    this.loading.clear();
  }

  /** The ids of events it has seen are worth keeping, whatever its kind thinks of the state. */
  private isVacant({ address, state, seen }: Activation): boolean {
    return seen === undefined && this.kindOf(address).isVacant(state as never);
  }

  private load(key: string, address: ActorAddress, app: string): Promise<Activation> {
    const loading = this.read(key, address, app).finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  private async read(key: string, address: ActorAddress, app: string): Promise<Activation> {
    const { epoch, verify, clock } = this.options;
    const kind = this.kindOf(address);
    const stored = await this.fetch(key);
    let activation: Activation;
    if (stored) {
      const loaded = decodeSnapshot(key, stored.value, stored.revision, kind, this.schema);
      if (loaded.position.epoch !== epoch) {
        const verified = verify(key, loaded.position);
        if (verified) await verified;
      }
      if (loaded.position.epoch > epoch) throw superseded();
      activation = loaded.activation;
    } else {
      activation = new Activation(key, address, kind.create(address));
    }
    activation.lastUsedMs = clock.monotonicMs();
    activation.app = app;
    this.active.set(key, activation);
    this.shares?.use(activation);
    return activation;
  }

  /** The snapshot, whole. */
  private async fetch(key: string): Promise<Stored | undefined> {
    for (let attempt = 0; ; attempt++) {
      const stored = await this.options.snapshots.get(key);
      if (!stored || !isChunkHeader(stored.value)) return stored;
      const header = readJson(stored.value, chunkHeaderSchema);
      if (!header) throw new EngineError('Invariant', 'SNAPSHOT_DAMAGED', `The header of ${key} cannot be read.`);
      const value = await this.large.join(key, header);
      if (value) return { value, revision: stored.revision };
      // A former owner's last save may replace it just now; the header is then a new one.
      if (attempt === LOAD_ATTEMPTS) throw new EngineError('Invariant', 'SNAPSHOT_DAMAGED', `${key} misses a chunk.`);
    }
  }

  private async put(key: string, bytes: Uint8Array, sequence: number, expected: number): Promise<number> {
    const { snapshots, protections, epoch, slices, assertOwner } = this.options;
    if (protections.cas) assertOwner();
    const header = await this.large.cut(key, bytes, sequence);
    const value = header ? Buffer.from(JSON.stringify(header)) : bytes;
    let revision = protections.cas ? expected : ((await snapshots.get(key))?.revision ?? 0);
    for (let attempt = 0; attempt < SAVE_ATTEMPTS; attempt++) {
      const expects = revision;
      const written = await slices.run(() => {
        // The tenure may have ended while outputs were waited for, and a later owner may rely on what is stored.
        if (protections.cas) assertOwner();
        return snapshots.put(key, value, expects);
      });
      if (written !== undefined) {
        await this.large.tidy(key, header);
        return written;
      }
      const stored = await snapshots.get(key);
      if (stored && protections.cas && epochOf(stored.value) > epoch) {
        await this.large.discard(header);
        throw superseded();
      }
      revision = stored?.revision ?? 0;
    }
    throw new EngineError('Dependency', 'SNAPSHOT_CONTENDED', `The snapshot ${key} could not be written.`);
  }

  private kindOf(address: ActorAddress): ActorKind<unknown, never, never> {
    const kind = this.options.kinds.get(address.kind);
    if (!kind) throw new EngineError('NotFound', 'KIND_UNKNOWN', `There are no actors of kind ${address.kind}.`);
    return kind;
  }
}

/** The epoch a stored snapshot or checkpoint header was written under; 0, nobody's, where it cannot be read. */
export function epochOf(bytes: Uint8Array): number {
  try {
    // Without bounds: none may make a later owner's snapshot look like nobody's.
    const { epoch } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { epoch?: unknown };
    return typeof epoch === 'number' ? epoch : 0;
  } catch {
    return 0;
  }
}

export const superseded = (): EngineError =>
  new EngineError('StaleOwner', 'STALE_OWNER', 'A later owner has written; this one steps down.', { retryAfterMs: 50 });

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += GROUP) await Promise.all(items.slice(i, i + GROUP).map(work));
}
