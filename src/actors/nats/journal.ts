/** One partition's journal on JetStream. */
import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { streams, subjects, type Intake } from '../../messages/subjects.js';
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
import type { AckedPublisher } from './acked-publisher.js';
import type { NatsLink } from './connection.js';
import { countedBytes, journalLimits } from './journal-limits.js';
import { dependency, unreachable } from './nats-errors.js';
import { OrderedReader } from './ordered-reader.js';
import { readStored } from './stored-messages.js';
import type { StorePlanOfApps } from './store-room.js';
import { journalInfoOf } from './stream-info.js';

type JournalPlan = Pick<StorePlanOfApps, 'journal' | 'journalReserve' | 'apps'>;

/** Any stream that is appended to by subject. */
export class NatsAppender implements Appender {
  readonly #publisher: AckedPublisher;

  constructor(publisher: AckedPublisher) {
    this.#publisher = publisher;
  }

  append(messages: readonly JournalMessage[]): Promise<AppendOutcome[]> {
    return this.#publisher.publish(messages);
  }
}

export class NatsJournal extends NatsAppender implements Journal {
  readonly #link: NatsLink;
  readonly #jsm: JetStreamManager;
  readonly #stream: string;
  readonly #controlFilter: string;
  readonly #partition: number;
  readonly #plan: () => Promise<JournalPlan>;

  constructor(
    link: NatsLink,
    jsm: JetStreamManager,
    publisher: AckedPublisher,
    partition: number,
    plan: () => Promise<JournalPlan>,
  ) {
    super(publisher);
    this.#partition = partition;
    this.#plan = plan;
    this.#link = link;
    this.#jsm = jsm;
    this.#stream = streams.journal(partition);
    this.#controlFilter = subjects.allControls(partition);
  }

  info(): Promise<JournalInfo> {
    return this.#call(async () => journalInfoOf(await this.#jsm.streams.info(this.#stream)));
  }

  read(from: number, onRecord: (record: JournalRecord) => void, onLost: (error: unknown) => void): JournalReader {
    return new OrderedReader(this.#link, this.#jsm, { stream: this.#stream, from, onRecord, onLost });
  }

  control(from: number): Promise<JournalRecord[]> {
    return this.#call(() =>
      readStored(
        this.#link,
        this.#jsm,
        { stream: this.#stream, filter: this.#controlFilter, from },
        (message, { sequence, timestampMs, pending }) => ({
          sequence,
          timestampMs,
          subject: message.subject,
          payload: message.data,
          pending,
        }),
      ),
    );
  }

  /** `pending` is 0: a single record is read without asking what follows it. */
  get(sequence: number): Promise<JournalRecord | undefined> {
    return this.#call(async () => {
      // Any replica may answer a direct get, and one that lags does not have the newest; the leader has.
      const query = { seq: sequence };
      const stored =
        (await this.#jsm.direct.getMessage(this.#stream, query)) ??
        (await this.#jsm.streams.getMessage(this.#stream, query));
      return stored === null ? undefined : recordOf(stored);
    });
  }

  trim(sequence: number): Promise<void> {
    return this.#call(async () => {
      // Purging past the tail would move the tail itself, and sequences would be skipped.
      const { firstSequence, lastSequence } = await this.info();
      const keep = Math.min(sequence, lastSequence + 1);
      if (keep > firstSequence) await this.#jsm.streams.purge(this.#stream, { seq: keep });
    });
  }

  room(): Promise<JournalRoom> {
    return this.#call(async () => {
      const [{ journal, journalReserve, apps }, { state, config }] = await Promise.all([
        this.#plan(),
        this.#jsm.streams.info(this.#stream),
      ]);
      const intake = streams.intakeOf(this.#partition, config.subjects);
      const leftOut = intake === 'all' ? streams.appsLeftOut(this.#partition, apps, config.subjects) : [];
      return { bytes: countedBytes(state), limit: journal, reserve: journalReserve, intake, leftOut };
    });
  }

  take(intake: Intake, leftOut: readonly string[] = []): Promise<void> {
    return this.#call(async () => {
      const plan = await this.#plan();
      const { state, config } = await this.#jsm.streams.info(this.#stream);
      const limits = journalLimits(intake, plan, state);
      // The server would make it fit by dropping its oldest records.
      if (limits.max_bytes < config.max_bytes && state.bytes > limits.max_bytes)
        throw new Error('it holds more than that');
      // Nothing may lie between the look and the change: what is sent on a lost connection arrives when it is back.
      if (!this.#link.up) throw unreachable(`The journal ${this.#stream}`);
      const taken = plan.apps.filter((app) => !leftOut.includes(app));
      const subjects = streams.journalSubjects(this.#partition, taken, intake);
      await this.#jsm.streams.update(this.#stream, { ...config, subjects, ...limits });
    });
  }

  async #call<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw dependency(`The journal ${this.#stream}`, error);
    }
  }
}

const recordOf = (stored: StoredMsg): JournalRecord => ({
  sequence: stored.seq,
  timestampMs: stored.time.getTime(),
  subject: stored.subject,
  payload: stored.data,
  pending: 0,
});
