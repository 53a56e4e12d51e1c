import { fnv1a } from '../../kernel/ids.js';
import type { ActorAddress } from './actor-kind.js';

/**
 * What one folded record caused beyond its actor: how many outputs to which target (already acknowledged before a
 * snapshot may hold this), and its operations on the shared state. Kept for records above the checkpoint, so that a
 * replay which skips the record because the snapshot already has it can still do the rest.
 */
export type Trace = readonly [
  sequence: number,
  counts: Readonly<Record<string, number>>,
  operations: readonly unknown[],
];

/** One actor in memory: its state and the little the host keeps beside it. Fixed shape, no closures. */
export class Activation {
  /** Records up to this one are in `state`, as far as they concern this actor. */
  sequence = 0;
  /** `sequence` at the last save; the activation is dirty while a record came after it. */
  savedSequence = 0;
  /** Last record that was about this actor. */
  touchedSequence = 0;
  /** Snapshot revision; 0 where none is stored. */
  revision = 0;
  timerDue = 0;
  /** Sequence of the record that armed the timer. */
  timerGeneration = 0;
  /** Hashes of (source, event id), a ring of at most settings.events.dedupePerActor. */
  seen: number[] | undefined = undefined;
  seenNext = 0;
  traces: Trace[] | undefined = undefined;
  lastUsedMs = 0;

  constructor(
    readonly key: string,
    readonly address: ActorAddress,
    public state: unknown,
  ) {}

  get dirty(): boolean {
    return this.touchedSequence > this.savedSequence;
  }

  hasSeen(hash: number): boolean {
    return this.seen?.includes(hash) ?? false;
  }

  remember(hash: number, limit: number): void {
    const seen = (this.seen ??= []);
    if (seen.length < limit) {
      seen.push(hash);
      return;
    }
    seen[this.seenNext % seen.length] = hash;
    this.seenNext = (this.seenNext + 1) % seen.length;
  }

  /** Forgets traces that a checkpoint at `sequence` has made superfluous. */
  pruneTraces(sequence: number): void {
    if (!this.traces) return;
    const kept = this.traces.filter(([s]) => s > sequence);
    this.traces = kept.length > 0 ? kept : undefined;
  }
}

export const keyOf = (address: ActorAddress): string => `${address.kind}.${address.token}`;

export function addressOfKey(key: string): ActorAddress {
  const dot = key.indexOf('.');
  return { kind: key.slice(0, dot) as ActorAddress['kind'], token: key.slice(dot + 1) };
}

/**
 * 53 bits over source and id: two FNV-1a runs, of which the second is salted. Of any strings, also those that are no
 * well-formed text: they come from anybody.
 */
export function eventHash(source: string, id: string): number {
  const text = `${source.length} ${source} ${id}`;
  return fnv1a(text) + (fnv1a(`#${text}`) & 0x1fffff) * 0x100000000;
}
