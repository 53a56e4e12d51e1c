/** Tells the world what actors have become, a moment later and once for many changes. */
import type { Clock } from '../../kernel/clock.js';
import { subjects } from '../../messages/subjects.js';
import type { Activation } from './activation.js';
import type { ActorKind } from './actor-kind.js';
import type { RequestTransport } from './ports.js';

export interface StateBroadcastOptions {
  readonly kinds: ReadonlyMap<string, Pick<ActorKind<never, never, never>, 'broadcast'>>;
  readonly transport: Pick<RequestTransport, 'broadcast'>;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Replays tell nobody: what they have changed is told once, on serving. */
  readonly isServing: () => boolean;
  readonly foldTimeMs: () => number;
}

export class StateBroadcast {
  private readonly changed = new Set<Activation>();
  private waiting = false;

  constructor(private readonly options: StateBroadcastOptions) {}

  add(activation: Activation): void {
    if (this.options.kinds.get(activation.address.kind)?.broadcast) this.changed.add(activation);
  }

  /** Told after every folded batch. */
  schedule(): void {
    const { clock, everyMs, isServing } = this.options;
    if (this.waiting || this.changed.size === 0 || !isServing()) return;
    this.waiting = true;
    void clock.after(everyMs, () => {
      this.waiting = false;
      if (isServing()) this.tell();
    });
  }

  private tell(): void {
    const { kinds, transport, foldTimeMs } = this.options;
    const atMs = foldTimeMs();
    for (const { address, state } of this.changed) {
      const facts = kinds.get(address.kind)?.broadcast?.(state as never, address, atMs);
      if (facts === undefined) continue;
      transport.broadcast(subjects.state(address.kind, address.token), Buffer.from(JSON.stringify(facts)));
    }
    this.changed.clear();
  }
}
