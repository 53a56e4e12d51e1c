/** One partition's owner in memory: a journal, a bucket and a clock that a test drives by hand. */
import type { Clock } from '../../src/kernel/clock.js';
import { Slices } from '../../src/kernel/slices.js';
import { DEFAULT_FOLD_SETTINGS } from '../../src/messages/settings.js';
import type { Intake } from '../../src/messages/subjects.js';
import type { ActorKind, Folded, SharedState } from '../../src/actors/host/actor-kind.js';
import { DEFAULT_HOST_LIMITS, type HostLimits } from '../../src/actors/host/limits.js';
import { PartitionOwner, type PartitionOwnerOptions } from '../../src/actors/host/partition-owner.js';
import type {
  AppendOutcome,
  Appender,
  Cluster,
  Journal,
  JournalInfo,
  JournalMessage,
  JournalReader,
  JournalRecord,
  JournalRoom,
  KeyValue,
  Stored,
} from '../../src/actors/host/ports.js';
import { ALL_PROTECTIONS } from '../../src/actors/host/protections.js';

/** Time stands still but for `advance`; `soon` is soon. */
export class HandClock implements Clock {
  private now = 1_700_000_000_000;
  private waiting: { atMs: number; task: () => void }[] = [];

  nowMs = (): number => this.now;
  monotonicMs = (): number => this.now - 1_600_000_000_000;
  soon = (task: () => void): void => void setImmediate(task);
  after = (delayMs: number, task: () => void): (() => void) => {
    const entry = { atMs: this.now + delayMs, task };
    this.waiting.push(entry);
    return () => void (this.waiting = this.waiting.filter((other) => other !== entry));
  };

  /** Runs what falls due, in order, letting everything else come to rest in between. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.now + byMs;
    for (;;) {
      await idle();
      const next = this.waiting.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.waiting = this.waiting.filter((other) => other !== next);
      this.now = Math.max(this.now, next.atMs);
      next.task();
    }
    this.now = endMs;
    await idle();
  }
}

/** Lets promises and immediates run until nothing more comes of them. */
export async function idle(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
}

export class MemoryBucket implements KeyValue {
  readonly stored = new Map<string, Stored>();
  revision = 0;
  /** Values over this many bytes are refused, as nats-server does. */
  bytesMax = 1024 * 1024;

  get = async (key: string): Promise<Stored | undefined> => Promise.resolve(this.stored.get(key));
  put = async (key: string, value: Uint8Array, expected: number): Promise<number | undefined> => {
    await Promise.resolve();
    if (value.length > this.bytesMax) throw new Error('maximum payload exceeded');
    if ((this.stored.get(key)?.revision ?? 0) !== expected) return undefined;
    this.stored.set(key, { value, revision: ++this.revision });
    return this.revision;
  };
  remove = async (key: string, expected: number): Promise<boolean> => {
    await Promise.resolve();
    if (this.stored.get(key)?.revision !== expected) return false;
    this.revision++;
    return this.stored.delete(key);
  };
  keys = (prefix: string): Promise<string[]> =>
    Promise.resolve([...this.stored.keys()].filter((key) => key.startsWith(prefix)));

  json<T = Record<string, unknown>>(key: string): T | undefined {
    const stored = this.stored.get(key);
    return stored && (JSON.parse(Buffer.from(stored.value).toString('utf8')) as T);
  }
}

/** A stream whose appends can be given another fate than being stored. */
export class MemoryJournal implements Journal {
  readonly records = new Map<number, JournalRecord>();
  last = 0;
  first = 1;
  identity = 'id';
  trims: number[] = [];
  /** Readers ever opened. */
  opened = 0;
  /** Asked for each message; `stored` where it says nothing. */
  fate: (message: JournalMessage) => AppendOutcome | undefined = () => undefined;
  /** While set, nothing is delivered. */
  held = false;
  private readers = new Set<{ next: number; deliver: () => void }>();

  constructor(private readonly clock: Clock) {}

  append = async (messages: readonly JournalMessage[]): Promise<AppendOutcome[]> => {
    await Promise.resolve();
    return messages.map((message) => this.fate(message) ?? { status: 'stored', sequence: this.store(message) });
  };

  store(message: JournalMessage): number {
    const sequence = ++this.last;
    this.records.set(sequence, { sequence, timestampMs: this.clock.nowMs(), pending: 0, ...message });
    for (const reader of this.readers) setImmediate(reader.deliver);
    return sequence;
  }

  /** Stores a record as its writer would. */
  write(subject: string, body: unknown): number {
    return this.store({ subject, payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
  }

  info = (): Promise<JournalInfo> =>
    Promise.resolve({ identity: this.identity, firstSequence: this.first, lastSequence: this.last });

  read(from: number, onRecord: (record: JournalRecord) => void): JournalReader {
    const reader = {
      next: from,
      deliver: (): void => {
        while (!this.held && this.readers.has(reader) && reader.next <= this.last) {
          const record = this.records.get(reader.next++);
          if (record) onRecord({ ...record, pending: this.last - record.sequence });
        }
      },
    };
    this.opened++;
    this.readers.add(reader);
    setImmediate(reader.deliver);
    return { stop: () => void this.readers.delete(reader) };
  }

  release(): void {
    this.held = false;
    for (const reader of this.readers) setImmediate(reader.deliver);
  }

  control = (from: number): Promise<JournalRecord[]> =>
    Promise.resolve(
      [...this.records.values()].filter((r) => r.sequence >= from && r.subject.split('.')[3] === 'control'),
    );
  get = (sequence: number): Promise<JournalRecord | undefined> => Promise.resolve(this.records.get(sequence));
  trim = (sequence: number): Promise<void> => {
    this.trims.push(sequence);
    for (const key of this.records.keys()) if (key < sequence) this.records.delete(key);
    this.first = Math.max(this.first, Math.min(sequence, this.last + 1));
    return Promise.resolve();
  };

  /** How full it says it is, and what it was told to take. */
  roomNow: JournalRoom = { bytes: 0, limit: 1_000_000, reserve: 250_000, intake: 'all', leftOut: [] };
  readonly takes: Intake[] = [];
  room = (): Promise<JournalRoom> => Promise.resolve(this.roomNow);
  /** The apps that it left out each time. */
  readonly leavings: (readonly string[])[] = [];
  take = (intake: Intake, leftOut: readonly string[] = []): Promise<void> => {
    this.takes.push(intake);
    this.leavings.push(leftOut);
    this.roomNow = { ...this.roomNow, intake, leftOut };
    return Promise.resolve();
  };

  bodies(cls: string): Record<string, any>[] {
    return [...this.records.values()]
      .filter((r) => r.subject.split('.')[3] === cls)
      .map((r) => JSON.parse(Buffer.from(r.payload).toString('utf8')) as Record<string, any>);
  }
}

export interface Tally {
  readonly sum: number;
  readonly text?: string;
  readonly due?: number;
}

interface TallyDecision {
  readonly n: number;
  readonly outcome?: Folded<Tally>['outcome'] | 'throw';
  readonly alone?: boolean;
  readonly max?: number;
}

/** More than that decisions together do not take. */
const TOTAL_MAX = 1_000;

export interface Total {
  readonly total: number;
}

/**
 * Adds up. Events: `add` (`data.value`), `grow` (`data.bytes` of text), `tell` (also a record for the user `b`), `wake`
 * (a timer `data.value` ms later), `nonsense` (rejected), `boom` (throws). Requests: `add` journals a decision, which changes
 * what is shared, too, unless it says `alone`; it is refused where that would be more than 1,000, or the sum is over its `max`.
 */
export const tallyKind: ActorKind<Tally, Total, never> = {
  kind: 'user',
  create: () => ({ sum: 0 }),
  fold(state, record, ctx): Folded<Tally> {
    const applied = (next: Tally, effects: Folded<Tally>['effects'] = []): Folded<Tally> => ({
      state: next,
      outcome: 'applied',
      effects,
    });
    if (record.type === 'timer') return applied({ ...state, sum: state.sum + 1000, due: 0 });
    if (record.type === 'output') return applied({ ...state, sum: state.sum + (record.body as { n: number }).n });
    if (record.type !== 'event') {
      const { n, outcome = 'applied', alone = false, max = Infinity } = record.body as TallyDecision;
      if (outcome === 'throw') throw new Error('cannot be folded');
      if (outcome !== 'applied') return { state, outcome, reason: 'because', effects: [] };
      if (!alone && ctx.shared.total + n > TOTAL_MAX)
        return { state, outcome: 'refused', reason: 'SPENT', effects: [] };
      if (state.sum > max) return { state, outcome: 'refused', reason: 'FULL', effects: [] };
      return applied({ ...state, sum: state.sum + n }, alone ? [] : [{ to: 'shared', op: { n } }]);
    }
    const { type, data } = record.event;
    const value = data.value ?? 1;
    switch (type) {
      case 'add':
        return applied({ ...state, sum: state.sum + value });
      case 'grow':
        return applied({ ...state, text: 'x'.repeat(data['bytes'] as number) });
      case 'tell':
        return applied({ ...state, sum: state.sum + value }, [
          {
            to: 'actor',
            address: { kind: 'user', token: 'b' },
            name: 'told',
            body: { n: value, text: 'x'.repeat((data['bytes'] as number | undefined) ?? 0) },
          },
        ]);
      case 'wake':
        return applied({ ...state, due: ctx.atMs + value });
      case 'forget':
        return applied({ sum: 0 });
      case 'nonsense':
        return { state, outcome: 'rejected', reason: 'NONSENSE', effects: [] };
      default:
        throw new Error(`${type} cannot be folded`);
    }
  },
  timer: (state) => state.due ?? 0,
  isVacant: (state) => state.sum === 0 && state.text === undefined && !state.due,
  revive: (saved) => saved as Tally,
  handle(state, verb, request, ctx) {
    if (verb === 'view') return { do: 'reply', body: { ...state, degraded: ctx.degraded } };
    const body = { ...(request as { n: number }), by: 'test' };
    return {
      do: 'append',
      class: 'decision',
      address: ctx.address,
      key: (request as { key?: string }).key ?? ctx.nonce(),
      body,
      reply: ({ sequence, token }) => ({ sequence, token }),
      refused: () => undefined,
    };
  },
};

export const createTotals = (): SharedState<Total> => {
  let reserved = 0;
  return {
    create: () => ({ total: 0 }),
    revive: (saved) => saved as Total,
    apply: (shared, _name, body) => ({ shared: { total: shared.total + (body as { n: number }).n }, effects: [] }),
    reserve: (body) => void (reserved += (body as { n: number }).n),
    release: (body) => void (reserved -= (body as { n: number }).n),
    reserved: () => reserved,
    suffices: ({ total }) => total + reserved <= TOTAL_MAX,
    clear: () => void (reserved = 0),
  };
};

export const SETTINGS = { ...DEFAULT_FOLD_SETTINGS, partitions: 1 };

/** A partition's stored things, which outlive its owners. */
export class HostWorld {
  readonly clock = new HandClock();
  readonly journal = new MemoryJournal(this.clock);
  readonly snapshots = new MemoryBucket();
  readonly leases = new MemoryBucket();
  readonly hosts = new MemoryBucket();
  readonly letters: Record<string, any>[] = [];
  readonly ends: string[] = [];
  readonly logged: string[] = [];
  private nonces = 0;

  readonly cluster: Cluster = {
    journal: () => this.journal,
    snapshots: () => this.snapshots,
    hosts: this.hosts,
    experience: sinkFor([]),
    deadLetters: sinkFor(this.letters),
    requests: { serve: () => () => undefined, broadcast: () => Promise.resolve(true) },
    ping: () => Promise.resolve(),
    pressure: () => Promise.resolve(0),
  };

  owner(
    epoch: number,
    more: Partial<PartitionOwnerOptions<Total>> = {},
    limits: Partial<HostLimits> = {},
  ): PartitionOwner<Total> {
    const log = (message: string): void => void this.logged.push(message);
    return new PartitionOwner<Total>({
      partition: 0,
      epoch,
      hostId: 'host',
      cluster: this.cluster,
      kinds: new Map([['user', tallyKind as unknown as ActorKind<never, Total, never>]]),
      createShared: createTotals,
      services: undefined,
      settings: SETTINGS,
      limits: { ...DEFAULT_HOST_LIMITS, ...limits },
      clock: this.clock,
      nonce: () => `nonce${++this.nonces}`,
      log: { info: log, warn: log },
      protections: ALL_PROTECTIONS,
      slices: new Slices(this.clock),
      leaseHeld: () => true,
      confirmLease: () => Promise.resolve(true),
      trimFloor: () => Infinity,
      onEnd: (reason) => void this.ends.push(reason),
      ...more,
    });
  }

  async serve(epoch: number, ...more: [Partial<PartitionOwnerOptions<Total>>?, Partial<HostLimits>?]) {
    const owner = this.owner(epoch, ...more);
    void owner.open().catch(() => undefined);
    await idle();
    return owner;
  }

  event(type: string, data: Record<string, unknown> = {}, token = 'a'): number {
    const id = (data['id'] as string | undefined) ?? `e${this.journal.last + 1}`;
    return this.journal.write(`attune.p.0.event.app.user.${token}.${type}`, {
      specversion: '1.0',
      source: 'test',
      id,
      data,
    });
  }
}

function sinkFor(list: Record<string, any>[]): Appender {
  return {
    append: (messages) =>
      Promise.resolve(
        messages.map(({ payload }): AppendOutcome => {
          list.push((JSON.parse(Buffer.from(payload).toString('utf8')) as { body: Record<string, any> }).body);
          return { status: 'stored', sequence: list.length };
        }),
      ),
  };
}
