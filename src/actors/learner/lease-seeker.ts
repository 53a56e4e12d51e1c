/**
 * Seeks one lease, tenure after tenure: has the keeper acquire it, says when it is held and when it is lost, and then seeks it
 * anew, under a later epoch. What makes a learner run once.
 */
import type { Clock } from '../../kernel/clock.js';
import type { Keeper, Lease, LeaseRequest } from '../keeper/keeper.js';

/** The lease is looked at so often in its life: it is seen to be lost before anybody else can have it. */
const LOOKS_PER_TTL = 16;
/** It is sought so often in its life. */
const LOOKS_PER_TRY = 4;

export interface LeaseSeekerOptions {
  readonly keeper: Pick<Keeper, 'acquire'>;
  readonly request: LeaseRequest;
  readonly ttlMs: number;
  readonly clock: Clock;
  /** The lease is ours: its epoch is higher than any before. */
  readonly onHeld: (epoch: number) => void;
  /** It is, or may be, another's. */
  readonly onLost: () => void;
}

export class LeaseSeeker {
  readonly #options: LeaseSeekerOptions;
  #lease: Lease | undefined;
  #looks = 0;
  #seeking = false;
  #stopped = false;
  #cancel: () => void = () => undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: LeaseSeekerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#look();
  }

  /** Gives the lease back, so that another need not wait for it to expire. Its user must have ended by then. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#busy;
    // Out of reach, the lease expires by itself.
    await this.#lease?.release().catch(() => undefined);
  }

  #look(): void {
    const { clock, ttlMs, onLost } = this.#options;
    if (this.#lease && !this.#lease.held) {
      this.#lease.abandon().catch(() => undefined);
      this.#lease = undefined;
      onLost();
    }
    if (!this.#lease && !this.#seeking && this.#looks++ % LOOKS_PER_TRY === 0) this.#busy = this.#seek();
    this.#cancel = clock.after(ttlMs / LOOKS_PER_TTL, () => this.#look());
  }

  async #seek(): Promise<void> {
    const { keeper, request, onHeld } = this.#options;
    this.#seeking = true;
    // Out of reach; the next look tries again.
    const lease = await keeper.acquire(request).catch(() => undefined);
    this.#seeking = false;
    // One that comes too late is of no use.
    if (lease && !lease.held) return void lease.abandon().catch(() => undefined);
    this.#lease = lease;
    if (lease && !this.#stopped) onHeld(lease.epoch);
  }
}
