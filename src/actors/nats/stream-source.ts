/** Any stream as a source of records in order: what the facts sink and learners read experience from. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { JournalInfo, JournalReader, JournalRecord } from '../host/ports.js';
import type { NatsLink } from './connection.js';
import { dependency } from './nats-errors.js';
import { OrderedReader } from './ordered-reader.js';
import { journalInfoOf } from './stream-info.js';

export class NatsStreamSource {
  constructor(
    private readonly link: NatsLink,
    private readonly jsm: JetStreamManager,
    private readonly stream: string,
  ) {}

  /** Rejects with Dependency errors while the server is out of reach. */
  async info(): Promise<JournalInfo> {
    try {
      return journalInfoOf(await this.jsm.streams.info(this.stream));
    } catch (error) {
      throw dependency(`The stream ${this.stream}`, error);
    }
  }

  /** As Journal.read. */
  read(from: number, onRecord: (record: JournalRecord) => void, onLost: (error: unknown) => void): JournalReader {
    return new OrderedReader(this.link, this.jsm, { stream: this.stream, from, onRecord, onLost });
  }
}
