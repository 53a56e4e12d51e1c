/**
 * The main thread's side of the keeper: asks it, reads the cells it writes, and proves progress to it. A keeper that ends
 * is followed by another one (`connect`), which knows nothing: what the former held runs out.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { Keeper, Lease, LeaseRequest } from './keeper.js';
import type { LeaseCells } from './lease-cells.js';
import type { KeeperMessage, KeeperReply, KeeperTask } from './protocol.js';

/** Round trips within `hungAfterMs`. */
const PINGS_PER_HUNG = 8;
/** Round trips under way at once: after a pause the first answer may come late. */
const PINGS_MAX = 4;

export interface RemoteKeeperOptions {
  readonly cells: LeaseCells;
  readonly clock: Clock;
  readonly hungAfterMs: number;
  /** A round trip through the main connection; rejects where it is down. */
  readonly ping: () => Promise<void>;
}

type Probe = (passed: () => void) => void;
interface Waiting {
  readonly resolve: (value: number) => void;
  readonly reject: (error: EngineError) => void;
}

export class RemoteKeeper implements Keeper {
  private post: ((message: KeeperMessage) => void) | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private readonly free: number[] = [];
  private fresh = 1;
  private readonly leases = new Set<KeptLease>();
  private announced: { key: string; value: string } | undefined;
  private lastId = 0;
  private pings = 0;
  private cancelPing: () => void = () => undefined;

  constructor(private readonly options: RemoteKeeperOptions) {}

  /** Begins to prove progress. */
  start(): void {
    this.ping();
  }

  /** A keeper is there. What was announced is announced by it. */
  connect(post: (message: KeeperMessage) => void): void {
    this.post = post;
    if (this.announced) void this.ask({ do: 'announce', ...this.announced }).catch(() => undefined);
  }

  /** The keeper has ended, and writes nothing any more. */
  disconnect(): void {
    this.post = undefined;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of waiting) reject(gone());
  }

  receive(reply: KeeperReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(EngineError.fromWire(reply.error));
    else waiting?.resolve(reply.value);
  }

  async acquire(request: LeaseRequest): Promise<Lease | undefined> {
    const { cells } = this.options;
    const cell = this.free.pop() ?? (this.fresh <= cells.size ? this.fresh++ : undefined);
    if (cell === undefined)
      throw new EngineError('Invariant', 'LEASES_TOO_MANY', 'There is no room for another lease.');
    // What the process as a whole has last shown; the rest is for the lease's user to prove.
    cells.progressed(cell, cells.processProgressAtMs);
    let epoch = 0;
    try {
      epoch = await this.ask({ do: 'acquire', cell, ...request });
    } finally {
      if (epoch === 0) this.free.push(cell);
    }
    if (epoch === 0) return undefined;
    const lease = new KeptLease(this, cells, this.options.clock, cell, epoch);
    this.leases.add(lease);
    return lease;
  }

  announce(key: string, value: Uint8Array): void {
    this.announced = { key, value: Buffer.from(value).toString('utf8') };
    // Where it is out of reach, the keeper tries again by itself, and the next keeper is told.
    void this.ask({ do: 'announce', ...this.announced }).catch(() => undefined);
  }

  async withdraw(): Promise<void> {
    this.announced = undefined;
    // Out of reach, it runs out by itself.
    await this.ask({ do: 'withdraw' }).catch(() => undefined);
  }

  /** Ends the proofs, and the keeper's writes. */
  async stop(): Promise<void> {
    this.cancelPing();
    await this.ask({ do: 'stop' }).catch(() => undefined);
  }

  ask(task: KeeperTask): Promise<number> {
    const { post } = this;
    if (!post) return Promise.reject(gone());
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      post({ id, ...task });
    });
  }

  /** Its cell may be another lease's. */
  ended(lease: KeptLease): void {
    if (this.leases.delete(lease)) this.free.push(lease.cell);
  }

  private ping(): void {
    const { clock, ping, hungAfterMs } = this.options;
    if (this.pings < PINGS_MAX) {
      this.pings++;
      ping()
        // Out of reach is no progress, which is all there is to say of it.
        .then(
          () => this.answered(),
          () => undefined,
        )
        .finally(() => this.pings--);
    }
    this.cancelPing = clock.after(hungAfterMs / PINGS_PER_HUNG, () => this.ping());
  }

  private answered(): void {
    const { cells, clock } = this.options;
    cells.processProgressed(clock.monotonicMs());
    for (const lease of this.leases) lease.prove();
  }
}

class KeptLease implements Lease {
  private probe: Probe = (passed) => passed();
  /** Its cell is, or will be, another's. */
  private ended = false;

  constructor(
    private readonly keeper: RemoteKeeper,
    private readonly cells: LeaseCells,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    readonly cell: number,
    public epoch: number,
  ) {}

  get held(): boolean {
    return !this.ended && this.cells.holds(this.cell, this.epoch, this.clock.monotonicMs());
  }

  provenBy(probe: Probe): void {
    this.probe = probe;
  }

  prove(): void {
    this.probe(() => {
      if (this.held) this.cells.progressed(this.cell, this.clock.monotonicMs());
    });
  }

  async confirm(epoch: number = this.epoch): Promise<boolean> {
    if (this.ended) return false;
    const confirmed = await this.keeper.ask({ do: 'confirm', cell: this.cell, epoch });
    if (confirmed === 0) return false;
    this.epoch = epoch;
    return this.held;
  }

  release(): Promise<void> {
    return this.end('release');
  }

  abandon(): Promise<void> {
    return this.end('abandon');
  }

  private async end(how: 'release' | 'abandon'): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    try {
      await this.keeper.ask({ do: how, cell: this.cell });
    } finally {
      this.keeper.ended(this);
    }
  }
}

const gone = (): EngineError =>
  new EngineError('Dependency', 'KEEPER_GONE', 'The keeper of the leases has ended; another one is started.', {
    retryAfterMs: 500,
  });
