/** Tells the world what actors have become, a moment later and once for many changes. */
import type { Clock } from '../../kernel/clock.js';
import type { Slices } from '../../kernel/slices.js';
import { subjects } from '../../messages/subjects.js';
import type { Activation } from './activation.js';
import type { ActorKind } from './actor-kind.js';
import type { RequestTransport } from './ports.js';

export interface StateBroadcastOptions {
  readonly kinds: ReadonlyMap<string, Pick<ActorKind<never, never, never>, 'broadcast' | 'confide'>>;
  readonly transport: Pick<RequestTransport, 'broadcast'>;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly slices: Slices;
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
      void this.tell().finally(() => {
        this.waiting = false;
        // What has changed in the meantime.
        this.schedule();
      });
    });
  }

  /** An owner that serves no more leaves the rest to the next one. */
  private async tell(): Promise<void> {
    const changed = [...this.changed];
    this.changed.clear();
    for (const activation of changed) {
      await this.options.slices.run(() => {
        if (this.options.isServing()) this.say(activation);
      });
    }
  }

  private say({ address, state }: Activation): void {
    const { kinds, transport, foldTimeMs } = this.options;
    const kind = kinds.get(address.kind);
    const atMs = foldTimeMs();
    const tell = (subject: string, facts: unknown): void => {
      if (facts !== undefined) transport.broadcast(subject, Buffer.from(JSON.stringify(facts)));
    };
    tell(subjects.state(address.kind, address.token), kind?.broadcast?.(state as never, address, atMs));
    tell(subjects.books(address.kind, address.token), kind?.confide?.(state as never, address, atMs));
  }
}
