/** Keeps at one lease: claims it, renews it, says when it is lost, and claims again. What makes a learner run once. */
import type { Clock } from '../../kernel/clock.js';
import type { LeaseClaim } from '../host/lease-claim.js';

/** Tries in a lease's life: two renewals may fail before it is lost. */
const TRIES = 4;
/** Share of a lease's life after which it is looked at again: the claim has given it up by then, others cannot have it. */
const LAST_LOOK = 0.9;

export interface LeaseKeeperOptions {
  readonly claim: LeaseClaim;
  readonly ttlMs: number;
  readonly clock: Clock;
  /** The lease is ours: its epoch is higher than any before. */
  readonly onHeld: (epoch: number) => void;
  /** It is, or may be, another's. */
  readonly onLost: () => void;
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #told = false;
  #stopped = false;
  #cancelTick: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#busy = this.#tick();
  }

  /** Gives the lease back, so that another need not wait for it to expire. Its user must have ended by then. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTick();
    await this.#busy;
    this.#cancelLook();
    // Out of reach, the lease expires by itself.
    await this.#options.claim.release().catch(() => undefined);
  }

  async #tick(): Promise<void> {
    const { claim, ttlMs, clock } = this.#options;
    const askedMs = clock.monotonicMs();
    try {
      const taken = claim.epoch > 0 ? await claim.renew() : await claim.acquire();
      if (taken) this.#lookAt(askedMs + ttlMs * LAST_LOOK);
    } catch {
      // Out of reach; the lease stands until it runs out, and the next tick tries again.
    }
    // Run out, it is claimed anew, with a new epoch: somebody else may have held it in between.
    if (claim.epoch > 0 && !claim.held) claim.lose();
    this.#tell();
    if (!this.#stopped) this.#cancelTick = clock.after(ttlMs / TRIES, () => void (this.#busy = this.#tick()));
  }

  /** Neither a tick that is far off nor a store that does not answer may keep us from seeing that it ran out. */
  #lookAt(atMs: number): void {
    const { clock } = this.#options;
    this.#cancelLook();
    this.#cancelLook = clock.after(Math.max(0, atMs - clock.monotonicMs()), () => this.#tell());
  }

  #tell(): void {
    const { claim, onHeld, onLost } = this.#options;
    if (claim.held === this.#told || this.#stopped) return;
    this.#told = claim.held;
    if (claim.held) onHeld(claim.epoch);
    else onLost();
  }
}
