/** The activations of one partition: loading from snapshots, saving to them, and leaving memory again. */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { Activation, keyOf } from './activation.js';
import type { ActorAddress, ActorKind } from './actor-kind.js';
import type { KeyValue } from './ports.js';
import type { Protections } from './protections.js';
import { decodeSnapshot, encodeSnapshot, type Position } from './snapshot-codec.js';

export type PassivationReason = 'idle' | 'least-recently-used' | 'released' | 'stepped-down';

const SAVE_ATTEMPTS = 4;
/**
 * A vacant actor's snapshot stays for so long. Where nothing is stored, a former owner's first save of the actor, long
 * held up on its way, would be let in and bring back what is over; against a stored revision it is a conflict.
 */
const VACANT_SNAPSHOT_KEEP_MS = 3_600_000;
const VACATED_MAX = 100_000;

export interface ActivationStoreOptions {
  readonly snapshots: KeyValue;
  readonly kinds: ReadonlyMap<string, ActorKind<unknown, never, never>>;
  readonly clock: Clock;
  readonly protections: Protections;
  readonly epoch: number;
  readonly identity: string;
  /** Where the fold stands now. */
  readonly position: () => Position;
  /** Last sequence known to be in the journal: a snapshot beyond it belongs to a history that was lost. */
  readonly tail: () => number;
  /** Resolves when all outputs of records up to the sequence are acknowledged. */
  readonly acknowledged: (sequence: number) => Promise<void>;
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
  readonly passivations: Record<PassivationReason, number> = {
    idle: 0,
    'least-recently-used': 0,
    released: 0,
    'stepped-down': 0,
  };

  constructor(private readonly options: ActivationStoreOptions) {}

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
    this.active.delete(key);
    this.active.set(key, activation);
    activation.lastUsedMs = this.options.clock.monotonicMs();
    return activation;
  }

  /** From memory, or from its snapshot, or fresh. Rejects with Dependency errors when the store is out of reach. */
  activate(address: ActorAddress): Activation | Promise<Activation> {
    const key = keyOf(address);
    return this.peek(key) ?? this.loading.get(key) ?? this.load(key, address);
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
    const at = this.options.position();
    const bytes = encodeSnapshot(activation, at);
    const vacant = this.isVacant(activation);
    // Outputs of everything in it are acknowledged first: a replay will not produce them again.
    await this.options.acknowledged(at.sequence);
    activation.revision = await this.put(activation.key, bytes, activation.revision);
    activation.savedSequence = Math.max(activation.savedSequence, at.sequence);
    if (!activation.dirty) this.dirty.delete(activation);
    if (vacant) this.vacate(activation, at.sequence);
  }

  private vacate({ key, revision }: Activation, sequence: number): void {
    this.vacated.push({ key, revision, sequence, atMs: this.options.clock.monotonicMs() });
    // What falls off the list stays stored, as a snapshot of a fresh actor: room lost, nothing else.
    if (this.vacated.length > VACATED_MAX) this.vacated.shift();
  }

  /** Told that the checkpoint stands at `sequence`. */
  async checkpointed(sequence: number): Promise<void> {
    for (const activation of this.active.values()) if (activation.traces) activation.pruneTraces(sequence);
    const oldMs = this.options.clock.monotonicMs() - VACANT_SNAPSHOT_KEEP_MS;
    const isGone = (v: { sequence: number; atMs: number }): boolean => v.sequence <= sequence && v.atMs <= oldMs;
    const gone = this.vacated.filter(isGone);
    if (gone.length === 0) return;
    this.vacated = this.vacated.filter((v) => !isGone(v));
    for (const { key, revision } of gone) {
      const activation = this.active.get(key);
      // Its snapshot is in use again, or has been written since: compare-and-set decides the rest.
      if (activation && activation.revision !== revision) continue;
      if ((await this.options.snapshots.remove(key, revision)) && activation) activation.revision = 0;
    }
  }

  /** Passivates what is over the limit or idle, saving what is dirty; `isPinned` actors stay. */
  async sweep(limit: number, idleMs: number, isPinned: (key: string) => boolean): Promise<void> {
    const idleBefore = this.options.clock.monotonicMs() - idleMs;
    const candidates: [Activation, PassivationReason][] = [];
    const excess = this.active.size - limit;
    for (const activation of this.active.values()) {
      if (candidates.length < excess) candidates.push([activation, 'least-recently-used']);
      else if (activation.lastUsedMs < idleBefore) candidates.push([activation, 'idle']);
      else break;
      if (candidates.length >= 2_000) break;
    }
    for (const [activation, reason] of candidates) {
      if (isPinned(activation.key)) continue;
      if (activation.dirty && !this.isDroppable(activation)) await this.save(activation);
      if ((activation.dirty && !this.isDroppable(activation)) || isPinned(activation.key)) continue;
      this.dirty.delete(activation);
      if (this.active.delete(activation.key)) this.passivations[reason]++;
    }
  }

  clear(reason: PassivationReason): void {
    this.passivations[reason] += this.active.size;
    this.active.clear();
    this.dirty.clear();
    this.loading.clear();
  }

  /**
   * Never saved and as good as fresh: a replay rebuilds it from nothing. Not before the checkpoint has passed what it
   * caused elsewhere: a later snapshot of it would cover those records and have no trace of them.
   */
  private isDroppable(activation: Activation): boolean {
    return activation.revision === 0 && activation.traces === undefined && this.isVacant(activation);
  }

  /** The ids of events it has seen are worth keeping, whatever its kind thinks of the state. */
  private isVacant({ address, state, seen }: Activation): boolean {
    return seen === undefined && this.kindOf(address).isVacant(state as never);
  }

  private load(key: string, address: ActorAddress): Promise<Activation> {
    const loading = this.read(key, address).finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  private async read(key: string, address: ActorAddress): Promise<Activation> {
    const { snapshots, identity, epoch, tail, clock } = this.options;
    const kind = this.kindOf(address);
    const stored = await snapshots.get(key);
    let activation: Activation;
    if (stored) {
      const loaded = decodeSnapshot(key, stored.value, stored.revision, kind);
      if (loaded.position.identity !== identity) throw aheadOfJournal(key, 'is of another journal');
      if (loaded.position.sequence > tail()) {
        if (loaded.position.epoch > epoch) throw superseded();
        throw aheadOfJournal(key, 'is ahead of its journal');
      }
      activation = loaded.activation;
    } else {
      activation = new Activation(key, address, kind.create(address));
    }
    activation.lastUsedMs = clock.monotonicMs();
    this.active.set(key, activation);
    return activation;
  }

  private async put(key: string, bytes: Uint8Array, expected: number): Promise<number> {
    const { snapshots, protections, epoch } = this.options;
    let revision = protections.cas ? expected : ((await snapshots.get(key))?.revision ?? 0);
    for (let attempt = 0; attempt < SAVE_ATTEMPTS; attempt++) {
      const written = await snapshots.put(key, bytes, revision);
      if (written !== undefined) return written;
      const stored = await snapshots.get(key);
      if (stored && protections.cas && epochOf(stored.value) > epoch) throw superseded();
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

/** The epoch a stored snapshot or checkpoint header was written under. */
export function epochOf(bytes: Uint8Array): number {
  const parsed = JSON.parse(Buffer.from(bytes).toString('utf8')) as { epoch?: unknown };
  return typeof parsed.epoch === 'number' ? parsed.epoch : 0;
}

export const superseded = (): EngineError =>
  new EngineError('StaleOwner', 'STALE_OWNER', 'A later owner has written; this one steps down.', { retryAfterMs: 50 });

const aheadOfJournal = (key: string, what: string): EngineError =>
  new EngineError(
    'Invariant',
    'SNAPSHOT_AHEAD_OF_JOURNAL',
    `The stored state ${key} ${what}: journal records were lost (power loss, or the stream was deleted). The partition is refused; see docs/operating.md.`,
  );
