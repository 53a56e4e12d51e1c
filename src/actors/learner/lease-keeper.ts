/** Keeps at one lease: claims it, renews it, says when it is lost, and claims again. What makes a learner run once. */
import type { Clock } from '../../kernel/clock.js';
import type { LeaseClaim } from '../host/lease-claim.js';

/** Tries in a lease's life: two renewals may fail before it is lost. */
const TRIES = 4;

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
    // Out of reach, the lease expires by itself.
    await this.#options.claim.release().catch(() => undefined);
  }

  async #tick(): Promise<void> {
    const { claim, ttlMs, clock } = this.#options;
    // A store that does not answer must not keep us from seeing that the lease ran out meanwhile.
    const cancelWatch = clock.after(ttlMs / TRIES, () => this.#tell());
    try {
      if (claim.epoch > 0) await claim.renew();
      else await claim.acquire();
    } catch {
      // Out of reach; the lease stands until it runs out, and the next tick tries again.
    }
    cancelWatch();
    // Run out, it is claimed anew, with a new epoch: somebody else may have held it in between.
    if (claim.epoch > 0 && !claim.held) claim.lose();
    this.#tell();
    if (!this.#stopped) this.#cancelTick = clock.after(ttlMs / TRIES, () => void (this.#busy = this.#tick()));
  }

  #tell(): void {
    const { claim, onHeld, onLost } = this.#options;
    if (claim.held === this.#told || this.#stopped) return;
    this.#told = claim.held;
    if (claim.held) onHeld(claim.epoch);
    else onLost();
  }
}
