/** Holds one lease for as long as it can, and tries again when it cannot: what makes a learner single-activation. */
import type { Clock } from '../../kernel/clock.js';
import type { KeyValue } from '../host/ports.js';

/** Renewals a lease's life; two may fail. */
const RENEWALS = 3;
/** The holder stops so much of a lease's life before others may take it over. */
const MARGIN = 0.2;

export interface LeaseClaimOptions {
  readonly leases: KeyValue;
  readonly key: string;
  /** Shown to whoever looks at the lease. */
  readonly holder: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  /** Called with the lease's revision at acquisition: the epoch, higher than any before. */
  readonly onHeld: (epoch: number) => void;
  /** The lease is, or may be, somebody else's. */
  readonly onLost: () => void;
}

export class LeaseClaim {
  readonly #options: LeaseClaimOptions;
  readonly #value: Uint8Array;
  #stopped = false;
  #held: { revision: number; untilMs: number } | undefined;
  #cancelTick: () => void = () => undefined;
  #cancelExpiry: () => void = () => undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: LeaseClaimOptions) {
    this.#options = options;
    this.#value = Buffer.from(JSON.stringify({ holder: options.holder }));
  }

  get held(): boolean {
    return this.#held !== undefined;
  }

  start(): void {
    this.#tick();
  }

  /** Gives the lease back, so that another need not wait for it to expire. The holder must have stopped. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTick();
    this.#cancelExpiry();
    await this.#busy;
    const held = this.#held;
    this.#held = undefined;
    if (held) await this.#options.leases.remove(this.#options.key, held.revision).catch(() => false);
  }

  #tick(): void {
    this.#busy = (this.#held ? this.#renew() : this.#acquire()).then(() => {
      if (this.#stopped) return;
      this.#cancelTick = this.#options.clock.after(this.#options.ttlMs / RENEWALS, () => this.#tick());
    });
  }

  async #acquire(): Promise<void> {
    const { leases, key, onHeld } = this.#options;
    const askedMs = this.#options.clock.monotonicMs();
    const revision = await leases.put(key, this.#value, 0).catch(() => undefined);
    if (revision === undefined) return;
    this.#holdUntil(revision, askedMs);
    if (!this.#stopped) onHeld(revision);
  }

  async #renew(): Promise<void> {
    const { leases, key } = this.#options;
    const askedMs = this.#options.clock.monotonicMs();
    try {
      const revision = await leases.put(key, this.#value, this.#held!.revision);
      if (!this.#held) return;
      if (revision === undefined) this.#lose();
      else this.#holdUntil(revision, askedMs);
    } catch {
      // The store is out of reach; the lease stands until it runs out, and the next tick tries again.
    }
  }

  /** Counted from before the write was sent: the server cannot have begun to count earlier. */
  #holdUntil(revision: number, askedMs: number): void {
    const { clock, ttlMs } = this.#options;
    const untilMs = askedMs + ttlMs * (1 - MARGIN);
    this.#held = { revision, untilMs };
    this.#cancelExpiry();
    this.#cancelExpiry = clock.after(Math.max(0, untilMs - clock.monotonicMs()), () => this.#lose());
  }

  #lose(): void {
    if (!this.#held) return;
    this.#held = undefined;
    this.#cancelExpiry();
    if (!this.#stopped) this.#options.onLost();
  }
}
