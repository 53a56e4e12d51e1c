/** Tells the world what actors have become, a moment later and once for many changes, until the stream has it. */
import type { Clock } from '../../kernel/clock.js';
import type { Slices } from '../../kernel/slices.js';
import { subjects } from '../../messages/subjects.js';
import { addressOfKey, type Activation } from './activation.js';
import type { ActorAddress, ActorKind } from './actor-kind.js';
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
  /** The actor as it is now, from its snapshot where it was passivated; rejects while that is out of reach. */
  readonly present: (address: ActorAddress) => Activation | Promise<Activation>;
}

export class StateBroadcast {
  /** By actor, the record that changed it last: until the stream has taken what came of that. */
  private readonly owing = new Map<string, number>();
  private waiting = false;
  private failures = 0;

  constructor(private readonly options: StateBroadcastOptions) {}

  add({ key, address, sequence }: Pick<Activation, 'key' | 'address' | 'sequence'>): void {
    if (this.options.kinds.get(address.kind)?.broadcast) this.owing.set(key, sequence);
  }

  /** Keys of the actors that the world has not heard of: the checkpoint keeps them, for it ends the replay of their records. */
  owed(): string[] {
    return [...this.owing.keys()];
  }

  /** Takes over what a checkpoint says was owed. */
  inherit(keys: readonly string[]): void {
    for (const key of keys) this.add({ key, address: addressOfKey(key), sequence: 0 });
  }

  /** Told after every folded batch. */
  schedule(): void {
    const { clock, everyMs, isServing } = this.options;
    if (this.waiting || this.owing.size === 0 || !isServing()) return;
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
   * then: replicas and apps take broadcasts for the truth. Of one actor there is never more than one under way.
   */
  private async tell(): Promise<void> {
    const heard: Promise<boolean>[] = [];
    for (const key of this.owed()) await this.begin(key, heard);
    const isHeard = (await Promise.all(heard)).every(Boolean);
    this.failures = isHeard ? 0 : this.failures + 1;
  }

  /** Adds to `heard` once the actor is being said; what cannot be loaded is not heard this time. */
  private async begin(key: string, heard: Promise<boolean>[]): Promise<void> {
    const { slices, isServing, present } = this.options;
    for (;;) {
      const loading = await slices.run(() => {
        if (!isServing()) return undefined;
        const activated = present(addressOfKey(key));
        if (!(activated instanceof Promise)) heard.push(this.settled(key, activated));
        // Looked at again when it is here: it may have left in the meantime.
        else return { here: activated.then(() => true).catch(() => false) };
        return undefined;
      });
      if (loading === undefined) return;
      if (await loading.here) continue;
      heard.push(Promise.resolve(false));
      return;
    }
  }

  private async settled(key: string, activation: Activation): Promise<boolean> {
    const since = this.owing.get(key);
    const isHeard = await this.say(activation).catch(() => false);
    // What has changed it since is owed still.
    if (isHeard && this.owing.get(key) === since) this.owing.delete(key);
    return isHeard;
  }

  private async say({ address, state }: Activation): Promise<boolean> {
    const { kinds, transport, foldTimeMs } = this.options;
    const kind = kinds.get(address.kind);
    const atMs = foldTimeMs();
    const tell = (subject: string, facts: unknown): Promise<boolean> =>
      facts === undefined ? Promise.resolve(true) : transport.broadcast(subject, Buffer.from(JSON.stringify(facts)));
    const heard = await Promise.all([
      tell(subjects.state(address.kind, address.token), kind?.broadcast?.(state as never, address, atMs)),
      tell(subjects.books(address.kind, address.token), kind?.confide?.(state as never, address, atMs)),
    ]);
    return heard.every(Boolean);
  }
}
