/**
 * A claim on one lease: time-limited ownership of a key in a bucket whose values expire by themselves. The lease is ours
 * until `heldUntilMs` on our own monotonic clock, counted from before the write was sent: always earlier than the server
 * lets anybody else in.
 */
import type { Clock } from '../../kernel/clock.js';
import type { KeyValue } from './ports.js';

/** Part of the TTL given up at its end, against clocks that run at different rates. */
const MARGIN = 0.15;

export interface LeaseValue {
  readonly host: string;
  /** Made anew at every start of a host: a restarted host does not take its former self's lease for its own. */
  readonly incarnation: string;
}

export class LeaseClaim {
  private revision = 0;
  private heldUntilMs = -Infinity;
  /** The lease's revision at acquisition; 0 while not held. */
  epoch = 0;

  constructor(
    private readonly leases: KeyValue,
    private readonly key: string,
    private readonly owner: LeaseValue,
    private readonly ttlMs: number,
    private readonly clock: Clock,
  ) {}

  get held(): boolean {
    return this.epoch > 0 && this.clock.monotonicMs() < this.heldUntilMs;
  }

  /** Takes the lease if it is free, or left over from a write of ours whose answer was lost. */
  async acquire(): Promise<boolean> {
    const stored = await this.leases.get(this.key);
    if (stored && !this.isOurs(stored.value)) return false;
    return this.write(stored?.revision ?? 0, true);
  }

  /** Extends the lease; false once it certainly is another's. Rejects while the store is out of reach. */
  async renew(): Promise<boolean> {
    if (this.epoch === 0) return false;
    if (await this.write(this.revision, false)) return true;
    // Either another owner has it, or a write of ours was stored and its answer lost.
    const stored = await this.leases.get(this.key);
    if (stored && this.isOurs(stored.value) && this.held) return this.write(stored.revision, false);
    this.lose();
    return false;
  }

  async release(): Promise<void> {
    if (this.epoch === 0) return;
    const { revision } = this;
    this.lose();
    await this.leases.remove(this.key, revision);
  }

  lose(): void {
    this.epoch = 0;
    this.revision = 0;
    this.heldUntilMs = -Infinity;
  }

  private async write(expected: number, isAcquisition: boolean): Promise<boolean> {
    const sentAtMs = this.clock.monotonicMs();
    const written = await this.leases.put(this.key, Buffer.from(JSON.stringify(this.owner)), expected);
    if (written === undefined) return false;
    this.revision = written;
    if (isAcquisition) this.epoch = written;
    this.heldUntilMs = sentAtMs + this.ttlMs * (1 - MARGIN);
    return true;
  }

  private isOurs(bytes: Uint8Array): boolean {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as LeaseValue;
    return value.host === this.owner.host && value.incarnation === this.owner.incarnation;
  }
}
