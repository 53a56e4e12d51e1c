/**
 * A claim on one lease: time-limited ownership of a key in a bucket whose values expire by themselves. The lease is ours
 * until `heldUntilMs` on our own monotonic clock, counted from before the write was sent: always earlier than the server
 * lets anybody else in.
 */
import type { Clock } from '../../kernel/clock.js';
import type { KeyValue } from '../host/ports.js';
import type { LeaseValue } from './keeper.js';

/** Part of the TTL given up at its end, against clocks that run at different rates. */
const MARGIN = 0.15;

export interface LeaseClaimOptions {
  readonly leases: KeyValue;
  readonly key: string;
  readonly owner: LeaseValue;
  readonly ttlMs: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export class LeaseClaim {
  heldUntilMs = -Infinity;
  /** The lease's revision at acquisition; 0 while not held. */
  epoch = 0;
  readonly #options: LeaseClaimOptions;
  #revision = 0;

  constructor(options: LeaseClaimOptions) {
    this.#options = options;
  }

  get held(): boolean {
    return this.epoch > 0 && this.#options.clock.monotonicMs() < this.heldUntilMs;
  }

  /** Takes the lease if it is free, or left over from a write of ours whose answer was lost. */
  async acquire(): Promise<boolean> {
    const stored = await this.#options.leases.get(this.#options.key);
    if (stored && !this.#isOurs(stored.value)) return false;
    return this.#write(stored?.revision ?? 0, true);
  }

  /**
   * Extends the lease; false once it certainly is another's, or has run out by our clock. Rejects while the store is out of
   * reach.
   */
  async renew(): Promise<boolean> {
    if (this.held) {
      if (await this.#write(this.#revision, false)) return true;
      // Either another owner has it, or a write of ours was stored and its answer lost.
      const stored = await this.#options.leases.get(this.#options.key);
      if (stored && this.#isOurs(stored.value) && this.held && (await this.#write(stored.revision, false))) return true;
    }
    this.lose();
    return false;
  }

  async release(): Promise<void> {
    if (this.epoch === 0) return;
    const revision = this.#revision;
    this.lose();
    await this.#options.leases.remove(this.#options.key, revision);
  }

  lose(): void {
    this.epoch = 0;
    this.#revision = 0;
    this.heldUntilMs = -Infinity;
  }

  async #write(expected: number, isAcquisition: boolean): Promise<boolean> {
    const { leases, key, owner, ttlMs, clock } = this.#options;
    const sentAtMs = clock.monotonicMs();
    const written = await leases.put(key, Buffer.from(JSON.stringify(owner)), expected);
    if (written === undefined) return false;
    this.#revision = written;
    if (isAcquisition) this.epoch = written;
    this.heldUntilMs = sentAtMs + ttlMs * (1 - MARGIN);
    return true;
  }

  #isOurs(bytes: Uint8Array): boolean {
    let value: Partial<LeaseValue> | null;
    try {
      value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<LeaseValue> | null;
    } catch {
      // Nothing of this engine's: whoever wrote it, it is not us.
      return false;
    }
    return value?.host === this.#options.owner.host && value.incarnation === this.#options.owner.incarnation;
  }
}
