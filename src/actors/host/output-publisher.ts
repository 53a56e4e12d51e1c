/**
 * Publishes a partition's outputs, each target's in chain order, until every one is acknowledged. After a failure it
 * goes back to the first unacknowledged output of that target and sends all from there again, also those that were
 * acknowledged after it: the receiver drops an output that comes before its predecessor, and what it already has.
 */
import type { Clock } from '../../kernel/clock.js';
import { THIS_SCHEMA, type DataSchema, type Stored, type StoredForm } from '../../messages/versions.js';
import type { Output } from './fold.js';
import type { Appender, JournalMessage } from './ports.js';

const GROUP_MAX = 512;
const RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;

interface Lane {
  readonly target: string;
  readonly appender: Appender;
  /** Not yet acknowledged, chain order; those before `sent` are in flight. */
  readonly queue: Output[];
  sending: boolean;
  failures: number;
}

interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
}

export class OutputPublisher {
  private readonly lanes = new Map<string, Lane>();
  private waiters: Waiter[] = [];
  private stopped = false;
  private size = 0;

  constructor(
    private readonly clock: Clock,
    private readonly appenderOf: (target: string) => Appender,
    private readonly schema: DataSchema = THIS_SCHEMA,
  ) {}

  /** Outputs not yet acknowledged. */
  get unacknowledged(): number {
    return this.size;
  }

  publish(outputs: readonly Output[]): void {
    if (this.stopped) return;
    for (const output of outputs) {
      const lane = this.lane(output.target);
      lane.queue.push(output);
      this.size++;
      if (!lane.sending) this.start(lane);
    }
  }

  /** Resolves once every output of records up to `sequence` is acknowledged. Never resolves after stop(). */
  acknowledged(sequence: number): Promise<void> {
    // What was unacknowledged at the stop is forgotten here, and not to be taken for acknowledged.
    if (this.stopped) return new Promise(() => {});
    if (this.oldest() > sequence) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ sequence, resolve }));
  }

  stop(): void {
    this.stopped = true;
    this.waiters = [];
    this.lanes.clear();
    this.size = 0;
  }

  private lane(target: string): Lane {
    let lane = this.lanes.get(target);
    if (!lane) {
      lane = { target, appender: this.appenderOf(target), queue: [], sending: false, failures: 0 };
      this.lanes.set(target, lane);
    }
    return lane;
  }

  private start(lane: Lane): void {
    lane.sending = true;
    this.clock.soon(() => void this.send(lane));
  }

  private async send(lane: Lane): Promise<void> {
    while (!this.stopped && lane.queue.length > 0) {
      const group = lane.queue.slice(0, GROUP_MAX);
      const outcomes = await lane.appender.append(group.map((output) => encode(output, this.schema)));
      if (this.stopped) return;
      const failed = outcomes.findIndex((o) => o.status !== 'stored');
      const stored = failed === -1 ? group.length : failed;
      lane.queue.splice(0, stored);
      this.size -= stored;
      if (stored > 0) this.settle();
      if (failed === -1) {
        lane.failures = 0;
        continue;
      }
      lane.failures++;
      const delay = Math.min(RETRY_MS * 2 ** (lane.failures - 1), RETRY_MS_MAX);
      await new Promise<void>((resolve) => void this.clock.after(delay, resolve));
    }
    lane.sending = false;
  }

  /** Sequence of the oldest record with an unacknowledged output. */
  private oldest(): number {
    let oldest = Infinity;
    for (const lane of this.lanes.values()) {
      const first = lane.queue[0];
      if (first && first.chain.seq < oldest) oldest = first.chain.seq;
    }
    return oldest;
  }

  private settle(): void {
    if (this.waiters.length === 0) return;
    const oldest = this.oldest();
    const ready = this.waiters.filter((w) => w.sequence < oldest);
    this.waiters = this.waiters.filter((w) => w.sequence >= oldest);
    for (const waiter of ready) waiter.resolve();
  }
}

const FORMS: Readonly<Record<string, StoredForm>> = { x: 'experience', d: 'dead-letter' };

/** An OutputRecord, whose body is JSON already. */
function encode({ target, subject, chain, atMs, json }: Output, schema: DataSchema): JournalMessage {
  const text = `{"v":${schema.writes},"chain":${JSON.stringify(chain)},"at":${atMs},"body":${json}}`;
  if (schema.isNewest) return { subject, payload: Buffer.from(text) };
  const { v: _newest, ...data } = JSON.parse(text) as Stored;
  return { subject, payload: Buffer.from(JSON.stringify(schema.write(FORMS[target] ?? 'output', data))) };
}
