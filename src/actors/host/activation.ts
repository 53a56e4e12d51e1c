import { ENGINE_APP } from '../../kernel/ids.js';
import type { ActorAddress } from './actor-kind.js';
import type { EventTable } from './event-table.js';

/**
 * What one folded record caused beyond its actor: how many outputs to which target (already acknowledged before a
 * snapshot may hold this), and its operations on the shared state. Kept for records above the checkpoint, so that a
 * replay which skips the record because the snapshot already has it can still do the rest.
 */
export type Trace = readonly [
  sequence: number,
  counts: Readonly<Record<string, number>>,
  operations: readonly unknown[],
  /** The original whose redrive it applied. */
  redriven?: number,
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
  /** At most settings.events.dedupePerActor of them. */
  seen: EventTable | undefined = undefined;
  traces: Trace[] | undefined = undefined;
  lastUsedMs = 0;
  /** Whose record or request had it loaded. */
  app: string = ENGINE_APP;

  constructor(
    readonly key: string,
    readonly address: ActorAddress,
    public state: unknown,
  ) {}

  get dirty(): boolean {
    return this.touchedSequence > this.savedSequence;
  }

  /** Told that the record at `sequence`, just folded, applied the redrive of an original. */
  markRedriven(sequence: number, original: number): void {
    const traces = (this.traces ??= []);
    const last = traces.at(-1);
    if (last?.[0] === sequence) traces[traces.length - 1] = [sequence, last[1], last[2], original];
    else traces.push([sequence, {}, [], original]);
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
