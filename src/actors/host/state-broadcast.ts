/** Tells the world what actors have become, a moment later and once for many changes, until the stream has it. */
import type { Clock } from '../../kernel/clock.js';
import type { Slices } from '../../kernel/slices.js';
import { subjects } from '../../messages/subjects.js';
import type { Activation } from './activation.js';
import type { ActorKind } from './actor-kind.js';
import type { RequestTransport } from './ports.js';

const BACKOFF_MAX = 10;
const SAY_AGAIN_MS_MAX = 5_000;

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
  private failures = 0;

  constructor(private readonly options: StateBroadcastOptions) {}

  add(activation: Activation): void {
    if (this.options.kinds.get(activation.address.kind)?.broadcast) this.changed.add(activation);
  }

  /** Told after every folded batch. */
  schedule(): void {
    const { clock, everyMs, isServing } = this.options;
    if (this.waiting || this.changed.size === 0 || !isServing()) return;
    this.waiting = true;
    const delayMs = Math.min(everyMs * 2 ** Math.min(this.failures, BACKOFF_MAX), SAY_AGAIN_MS_MAX);
    void clock.after(delayMs, () => {
      void this.tell().finally(() => {
        this.waiting = false;
        // What has changed in the meantime.
        this.schedule();
      });
    });
  }

  /**
   * An owner that serves no more leaves the rest to the next one. What the stream has not taken is said again, as it is by
   * then: replicas and apps take broadcasts for the truth.
   */
  private async tell(): Promise<void> {
    const changed = [...this.changed];
    this.changed.clear();
    const heard: Promise<boolean>[] = [];
    for (const activation of changed) {
      await this.options.slices.run(() => {
        if (!this.options.isServing()) return;
        heard.push(
          this.say(activation).then((isHeard) => {
            if (!isHeard) this.changed.add(activation);
            return isHeard;
          }),
        );
      });
    }
    const isHeard = (await Promise.all(heard)).every(Boolean);
    this.failures = isHeard ? 0 : this.failures + 1;
  }

  private say({ address, state }: Activation): Promise<boolean> {
    const { kinds, transport, foldTimeMs } = this.options;
    const kind = kinds.get(address.kind);
    const atMs = foldTimeMs();
    const tell = (subject: string, facts: unknown): Promise<boolean> =>
      facts === undefined ? Promise.resolve(true) : transport.broadcast(subject, Buffer.from(JSON.stringify(facts)));
    const heard = Promise.all([
      tell(subjects.state(address.kind, address.token), kind?.broadcast?.(state as never, address, atMs)),
      tell(subjects.books(address.kind, address.token), kind?.confide?.(state as never, address, atMs)),
    ]);
    return heard.then((each) => each.every(Boolean));
  }
}
