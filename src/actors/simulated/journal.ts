import { EngineError } from '../../kernel/errors.js';
import type {
  AppendOutcome,
  Appender,
  Journal,
  JournalInfo,
  JournalMessage,
  JournalReader,
  JournalRecord,
  JournalRoom,
} from '../host/ports.js';
import type { Intake } from '../../messages/subjects.js';
import { ANSWER_TIMEOUT_MS, type SimulatedConnection } from './connection.js';
import type { SimulatedStream } from './stream.js';

/** Records that one delivery may carry; a reader's callback runs for each, without a pause between them. */
const DELIVERY_RECORDS_MAX = 32;

/** One process's way to append to one stream. */
export class SimulatedAppender implements Appender {
  constructor(
    protected readonly connection: SimulatedConnection,
    protected readonly stream: SimulatedStream,
  ) {}

  append(messages: readonly JournalMessage[]): Promise<AppendOutcome[]> {
    if (messages.length === 0) return Promise.resolve([]);
    const { connection } = this;
    return new Promise((resolve) => {
      const outcomes: (AppendOutcome | undefined)[] = messages.map(() => undefined);
      let open = messages.length;
      const settle = (index: number, outcome: AppendOutcome): void => {
        if (outcomes[index]) return;
        outcomes[index] = outcome;
        if (--open > 0) return;
        cancelTimeout();
        stopListening();
        resolve(outcomes as AppendOutcome[]);
      };
      const giveUp = (): void => messages.forEach((_, index) => settle(index, { status: 'unknown' }));
      const cancelTimeout = connection.process.clock.after(ANSWER_TIMEOUT_MS, giveUp);
      const stopListening = connection.onBreak(() => connection.process.run(giveUp));
      const reply = connection.replier();
      messages.forEach((message, index) => {
        connection.send(() => this.arrive(message, (outcome, lateMs) => reply(() => settle(index, outcome), lateMs)));
      });
    });
  }

  private arrive(message: JournalMessage, acknowledge: (outcome: AppendOutcome, lateMs: number) => void): void {
    const { connection, stream } = this;
    const { timeline, server, weather } = connection;
    const who = connection.process.name;
    if (timeline.chance(weather.publishLost)) {
      return timeline.note(who, `publish of ${message.subject} is lost`);
    }
    if (timeline.nowMs < server.diskFullUntilMs) {
      timeline.note(who, `publish of ${message.subject} is refused: disk full`);
      return acknowledge({ status: 'refused', code: 'JOURNAL_FULL', message: 'The journal has no room.' }, 0);
    }
    const refusal = stream.refusalOf(message.subject, message.payload);
    if (refusal) {
      timeline.note(who, `publish of ${message.subject} is refused: ${refusal}`);
      const code = refusal === 'full' ? 'JOURNAL_FULL' : 'JOURNAL_UNAVAILABLE';
      return acknowledge({ status: 'refused', code, message: 'The journal does not take it.' }, 0);
    }
    const sequence = stream.store(message.subject, message.payload, server.wallMs, timeline.nowMs);
    const fate = timeline.random.next();
    const lost = fate < weather.ackLost;
    const late = !lost && fate < weather.ackLost + weather.ackLate ? timeline.between(0, weather.ackLateMaxMs) : 0;
    timeline.note(
      who,
      `${stream.name} ${sequence} ${message.subject}${lost ? ', ack lost' : ''}${late > 0 ? ', ack late' : ''}`,
      () => summaryOf(message.payload),
    );
    if (!lost) acknowledge({ status: 'stored', sequence }, late);
  }
}

/** One process's view of one partition's journal. */
export class SimulatedJournal extends SimulatedAppender implements Journal {
  info(): Promise<JournalInfo> {
    const { stream } = this;
    return this.ask(`info of ${stream.name}`, () => ({
      identity: stream.identity,
      firstSequence: stream.firstSequence,
      lastSequence: stream.lastSequence,
    }));
  }

  read(from: number, onRecord: (record: JournalRecord) => void, onLost: (error: unknown) => void): JournalReader {
    return new SimulatedReader(this.connection, this.stream, from, onRecord, onLost);
  }

  control(from: number): Promise<JournalRecord[]> {
    const { stream } = this;
    return this.ask(`controls of ${stream.name}`, () =>
      stream.records
        .slice(Math.max(from, stream.firstSequence) - 1)
        .filter((record) => record.subject.split('.')[3] === 'control')
        .map((record, index, all) => ({ ...record, pending: all.length - 1 - index })),
    );
  }

  get(sequence: number): Promise<JournalRecord | undefined> {
    return this.ask(`record ${sequence} of ${this.stream.name}`, () => {
      const record = this.stream.get(sequence);
      return record && { ...record, pending: this.stream.lastSequence - sequence };
    });
  }

  trim(sequence: number): Promise<void> {
    return this.ask(`trim of ${this.stream.name} below ${sequence}`, () => {
      this.connection.timeline.note(this.connection.process.name, `trims ${this.stream.name} below ${sequence}`);
      this.stream.trim(sequence);
    });
  }

  room(): Promise<JournalRoom> {
    const { stream } = this;
    return this.ask(`room of ${stream.name}`, () => ({
      bytes: stream.bytes,
      limit: stream.limit,
      reserve: stream.reserve,
      intake: stream.intake,
      leftOut: stream.intake === 'all' ? stream.leftOut : [],
    }));
  }

  take(intake: Intake, leftOut: readonly string[] = []): Promise<void> {
    const { stream } = this;
    return this.ask(`${stream.name} takes ${intake}`, () => {
      this.connection.timeline.note(
        this.connection.process.name,
        `${stream.name} takes ${intake} from now on, but for [${leftOut.join()}]`,
      );
      stream.take(intake, leftOut);
    });
  }

  private ask<T>(what: string, execute: () => T): Promise<T> {
    return this.connection.call(what, execute, false);
  }
}

/** Delivers a stream in order; starts over after the last delivered record whenever the connection breaks. */
class SimulatedReader implements JournalReader {
  private stopped = false;
  /** Next sequence the server will send, and the next one to hand over. */
  private toSend: number;
  private toDeliver: number;
  /** Rises with every new connection: deliveries of an older one are dropped. */
  private round = 0;
  private connected = false;
  private lastArrivalMs = 0;
  private readonly cleanups: (() => void)[];

  constructor(
    private readonly connection: SimulatedConnection,
    private readonly stream: SimulatedStream,
    from: number,
    private readonly onRecord: (record: JournalRecord) => void,
    private readonly onLost: (error: unknown) => void,
  ) {
    this.toSend = this.toDeliver = from;
    this.cleanups = [
      stream.listen(() => this.push()),
      connection.onBreak(() => {
        this.round++;
        this.connected = false;
      }),
      connection.onReconnect(() => this.start()),
    ];
    // Not through the ordered channel: the client library asks again until the server has heard it.
    connection.timeline.at(connection.timeline.nowMs + connection.latencyMs(), () => this.start());
  }

  stop(): void {
    this.stopped = true;
    for (const cleanup of this.cleanups) cleanup();
  }

  private start(): void {
    const { timeline, server } = this.connection;
    if (this.stopped || this.connected || timeline.nowMs < server.upAtMs || this.connection.isBlocked) return;
    this.connected = true;
    this.toSend = this.toDeliver;
    this.push();
  }

  private push(): void {
    const { timeline, weather, process } = this.connection;
    while (this.connected && !this.stopped && this.toSend <= this.stream.lastSequence) {
      if (timeline.chance(weather.readerLost)) return this.lose();
      const batch: JournalRecord[] = [];
      const last = this.stream.lastSequence;
      this.toSend = Math.max(this.toSend, this.stream.firstSequence);
      while (this.toSend <= last && batch.length < DELIVERY_RECORDS_MAX) {
        batch.push({ ...this.stream.get(this.toSend)!, pending: last - this.toSend });
        this.toSend++;
      }
      if (batch.length === 0) return;
      const lateMs = timeline.chance(weather.deliveryLate) ? timeline.between(0, weather.deliveryLateMaxMs) : 0;
      this.lastArrivalMs = Math.max(this.lastArrivalMs, timeline.nowMs + this.connection.latencyMs() + lateMs);
      const { round } = this;
      process.at(this.lastArrivalMs, () => this.deliver(round, batch));
    }
  }

  private deliver(round: number, batch: readonly JournalRecord[]): void {
    for (const record of batch) {
      if (this.stopped || round !== this.round) return;
      this.toDeliver = record.sequence + 1;
      this.onRecord(record);
    }
  }

  private lose(): void {
    const { process, timeline } = this.connection;
    timeline.note(process.name, `reader of ${this.stream.name} is lost`);
    this.stop();
    process.at(timeline.nowMs + this.connection.latencyMs(), () =>
      this.onLost(new EngineError('Dependency', 'READER_LOST', `The reader of ${this.stream.name} cannot go on.`)),
    );
  }
}

/** What of a record a reader of a trace looks for. */
function summaryOf(payload: Uint8Array): string {
  const text = Buffer.from(payload).toString('utf8');
  let record: Record<string, unknown> | null;
  try {
    record = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    return text;
  }
  const { term, chain, key, id, due, generation, sequence, data, body } = record ?? {};
  return JSON.stringify({ term, chain, key, id, due, generation, sequence, data, body });
}
