/** One partition's journal on JetStream. */
import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { streams, subjects } from '../../messages/subjects.js';
import type {
  AppendOutcome,
  Appender,
  Journal,
  JournalInfo,
  JournalMessage,
  JournalReader,
  JournalRecord,
} from '../host/ports.js';
import type { AckedPublisher } from './acked-publisher.js';
import type { NatsLink } from './connection.js';
import { dependency } from './nats-errors.js';
import { OrderedReader } from './ordered-reader.js';
import { readStored } from './stored-messages.js';
import { journalInfoOf } from './stream-info.js';

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

  constructor(link: NatsLink, jsm: JetStreamManager, publisher: AckedPublisher, partition: number) {
    super(publisher);
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
