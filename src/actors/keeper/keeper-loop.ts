/**
 * The keeper's own side: it acquires when it is asked to, renews what makes progress, gives up what has run out, and says
 * in the cells what is held. It never acquires by itself.
 */
import type { Clock } from '../../kernel/clock.js';
import { InTurn } from '../../kernel/in-turn.js';
import { EngineError } from '../../kernel/errors.js';
import type { KeyValue } from '../host/ports.js';
import type { Protections } from '../host/protections.js';
import type { LeaseRequest } from './keeper.js';
import type { LeaseCells } from './lease-cells.js';
import { LeaseClaim } from './lease-claim.js';
import type { KeeperMessage, KeeperReply, KeeperTask } from './protocol.js';

/** Renewals in a lease's life, and announcements in an announcement's. */
const BEATS_PER_TTL = 5;
/** However long leases live, a host that hangs is noticed within a second more. */
const BEAT_MS_MAX = 1_000;

export interface KeeperLoopOptions {
  readonly leases: KeyValue;
  readonly hosts: KeyValue;
  readonly cells: LeaseCells;
  /** Its monotonic time is the main thread's, too. */
  readonly clock: Clock;
  readonly ttlMs: number;
  /** Without progress for so long a process hangs; half of `ttlMs` at most. */
  readonly hungAfterMs: number;
  readonly reply: (reply: KeeperReply) => void;
  readonly log: { warn(message: string, fields?: Record<string, unknown>): void };
  readonly protections: Pick<Protections, 'renewOnProgress' | 'neverReacquire'>;
}

interface Kept {
  readonly key: string;
  readonly claim: LeaseClaim;
  readonly renewal: LeaseRequest['renewal'];
  /** The one that its owner's barrier carries. */
  epoch: number;
  /** What is done with one lease is done in turn. */
  readonly turn: InTurn;
  renewing: boolean;
  stalled: boolean;
}

interface Announcement {
  readonly key: string;
  readonly value: Uint8Array;
  revision: number;
}

export class KeeperLoop {
  readonly #options: KeeperLoopOptions;
  readonly #kept = new Map<number, Kept>();
  #announcement: Announcement | undefined;
  #announcing: Promise<void> = Promise.resolve();
  #cancelBeat: () => void = () => undefined;
  #stopped = false;

  constructor(options: KeeperLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#beat();
  }

  /** Answers every message once; never rejects. */
  async handle({ id, ...task }: KeeperMessage): Promise<void> {
    const { reply } = this.#options;
    try {
      reply({ id, value: await this.#perform(task) });
    } catch (error) {
      reply({ id, error: EngineError.from(error).toWire() });
    }
  }

  #perform(task: KeeperTask): Promise<number> {
    switch (task.do) {
      case 'acquire':
        return this.#acquire(task);
      case 'confirm':
        return this.#confirm(task.cell, task.epoch);
      case 'release':
        return this.#release(task.cell);
      case 'abandon':
        return this.#abandon(task.cell);
      case 'announce':
        this.#announcement = { key: task.key, value: Buffer.from(task.value, 'utf8'), revision: 0 };
        return this.#announce().then(() => 0);
      case 'withdraw':
        return this.#withdraw();
      case 'stop':
        return this.#stop();
    }
  }

  async #acquire({ cell, key, owner, renewal }: LeaseRequest & { cell: number }): Promise<number> {
    const { leases, ttlMs, clock } = this.#options;
    const claim = new LeaseClaim({ leases, key, owner, ttlMs, clock });
    if (!(await claim.acquire())) return 0;
    if (this.#stopped) {
      await claim.release();
      return 0;
    }
    const { epoch } = claim;
    this.#kept.set(cell, {
      key,
      claim,
      renewal,
      epoch,
      turn: new InTurn(),
      renewing: false,
      stalled: false,
    });
    this.#publish(cell);
    return epoch;
  }

  async #confirm(cell: number, epoch: number): Promise<number> {
    const kept = this.#kept.get(cell);
    if (!kept) return 0;
    return kept.turn.run(async () => {
      const renewed = await kept.claim.renew();
      if (renewed) kept.epoch = epoch;
      return this.#publish(cell) ? 1 : 0;
    });
  }

  async #release(cell: number): Promise<number> {
    const kept = this.#forget(cell);
    if (kept) await kept.turn.run(() => kept.claim.release());
    return 0;
  }

  async #abandon(cell: number): Promise<number> {
    await this.#forget(cell)?.turn.over();
    return 0;
  }

  #forget(cell: number): Kept | undefined {
    const kept = this.#kept.get(cell);
    this.#kept.delete(cell);
    this.#options.cells.lose(cell);
    return kept;
  }

  async #withdraw(): Promise<number> {
    const announcement = this.#announcement;
    this.#announcement = undefined;
    await this.#announcing;
    if (announcement) await this.#options.hosts.remove(announcement.key, announcement.revision);
    return 0;
  }

  async #stop(): Promise<number> {
    this.#stopped = true;
    this.#cancelBeat();
    await Promise.all([...this.#kept.values()].map(({ turn }) => turn.over()));
    await this.#announcing;
    return 0;
  }

  /** Shows a lease in its cell as it stands; one that has run out is given up. Returns whether it is held. */
  #publish(cell: number): boolean {
    const kept = this.#kept.get(cell);
    if (!kept) return false;
    const { cells } = this.#options;
    const { claim, epoch } = kept;
    if (claim.held) {
      cells.hold(cell, epoch, claim.heldUntilMs);
      return true;
    }
    cells.lose(cell);
    if (this.#options.protections.neverReacquire) this.#kept.delete(cell);
    return false;
  }

  #beat(): void {
    const { clock, cells, ttlMs } = this.#options;
    if (this.#stopped) return;
    cells.beat(clock.monotonicMs());
    for (const [cell, kept] of this.#kept) void this.#renew(cell, kept);
    if (this.#isRecent(cells.processProgressAtMs)) void this.#announce();
    this.#cancelBeat = clock.after(Math.min(ttlMs / BEATS_PER_TTL, BEAT_MS_MAX), () => this.#beat());
  }

  /** Never rejects. */
  async #renew(cell: number, kept: Kept): Promise<void> {
    if (kept.renewing) return;
    if (kept.renewal === 'asking' || !this.#makesProgress(cell, kept)) {
      // Not touched, it may still have run out.
      if (!kept.claim.held) this.#publish(cell);
      return;
    }
    kept.renewing = true;
    try {
      await kept.turn.run(() => this.#extend(kept));
    } catch (error) {
      this.#options.log.warn('a lease could not be renewed; trying again', { lease: kept.key, error: String(error) });
    }
    kept.renewing = false;
    if (this.#kept.get(cell) === kept) this.#publish(cell);
  }

  async #extend({ claim }: Kept): Promise<void> {
    if (claim.epoch > 0 && (await claim.renew())) return;
    if (!this.#options.protections.neverReacquire) await claim.acquire();
  }

  #makesProgress(cell: number, kept: Kept): boolean {
    const { cells, protections, log, hungAfterMs } = this.#options;
    if (!protections.renewOnProgress) return true;
    const isRecent = this.#isRecent(cells.progressAtMs(cell));
    if (!isRecent && !kept.stalled) {
      log.warn('a lease is not renewed: its user makes no progress', { lease: kept.key, hungAfterMs });
    }
    kept.stalled = !isRecent;
    return isRecent;
  }

  #isRecent(atMs: number): boolean {
    return this.#options.clock.monotonicMs() - atMs <= this.#options.hungAfterMs;
  }

  /** One at a time; never rejects. */
  #announce(): Promise<void> {
    this.#announcing = this.#announcing.then(async () => {
      const { hosts, log } = this.#options;
      const announcement = this.#announcement;
      if (!announcement || this.#stopped) return;
      try {
        const { key, value } = announcement;
        let written = await hosts.put(key, value, announcement.revision);
        written ??= await hosts.put(key, value, (await hosts.get(key))?.revision ?? 0);
        if (written !== undefined) announcement.revision = written;
      } catch (error) {
        log.warn('the host could not be announced; trying again', { error: String(error) });
      }
    });
    return this.#announcing;
  }
}
