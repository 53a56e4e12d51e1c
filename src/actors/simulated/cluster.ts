import { EngineError } from '../../kernel/errors.js';
import type {
  AppendOutcome,
  Appender,
  Cluster,
  Journal,
  JournalMessage,
  JournalReader,
  JournalRecord,
  KeeperBuckets,
  KeyValue,
  RequestEnvelope,
  RequestTransport,
  Stored,
} from '../host/ports.js';
import { partitionOf } from '../../kernel/ids.js';
import { parsePartitionSubject } from '../../messages/subjects.js';
import type { SimulatedBucket } from './bucket.js';
import type { SimulatedConnection } from './connection.js';
import { SimulatedAppender, SimulatedJournal } from './journal.js';

/** Hears of what an owner does in reliance on its lease, at the moment it does it. */
export type LeaseWitness = (partition: number, what: string) => void;

/** Hears of what comes to an owner, and of what it answers. */
export interface AnswerWatch {
  delivered(partition: number, record: JournalRecord): void;
  answered(partition: number, answer: Uint8Array): void;
}

const NO_WITNESS: LeaseWitness = () => undefined;

/** One process's view of one bucket. */
class SimulatedKeyValue implements KeyValue {
  constructor(
    private readonly connection: SimulatedConnection,
    private readonly bucket: SimulatedBucket,
    private readonly onPut: () => void = () => {},
    private readonly onWrite: (what: string) => void = () => {},
  ) {}

  get(key: string): Promise<Stored | undefined> {
    return this.ask(`get ${key}`, () => this.bucket.get(key, this.nowMs));
  }

  put(key: string, value: Uint8Array, expected: number): Promise<number | undefined> {
    this.onWrite(key);
    return this.ask(`put ${key}`, () => {
      const revision = this.bucket.put(key, value, expected, this.nowMs);
      this.note(`${this.bucket.name} put ${key} at ${expected}: ${revision ?? 'conflict'}`);
      if (revision !== undefined) this.onPut();
      return revision;
    });
  }

  remove(key: string, expected: number): Promise<boolean> {
    this.onWrite(key);
    return this.ask(`remove ${key}`, () => {
      const removed = this.bucket.remove(key, expected, this.nowMs);
      this.note(`${this.bucket.name} remove ${key} at ${expected}: ${removed ? 'done' : 'conflict'}`);
      return removed;
    });
  }

  keys(prefix: string): Promise<string[]> {
    return this.ask(`keys ${prefix}`, () => this.bucket.keys(prefix, this.nowMs));
  }

  private get nowMs(): number {
    return this.connection.timeline.nowMs;
  }

  private note(what: string): void {
    this.connection.timeline.note(this.connection.process.name, what);
  }

  private ask<T>(what: string, execute: () => T): Promise<T> {
    return this.connection.call(`${this.bucket.name} ${what}`, execute, true);
  }
}

/** Requests between processes, through the server. */
class SimulatedRequests implements RequestTransport {
  constructor(
    private readonly connection: SimulatedConnection,
    private readonly witness: LeaseWitness,
    private readonly watch: AnswerWatch | undefined,
  ) {}

  serve(partition: number, handler: (request: RequestEnvelope) => Promise<Uint8Array>): () => void {
    const { connection } = this;
    const { server } = connection;
    const subscription = {
      connection,
      deliver: ({ subject, payload, trace }: RequestEnvelope, reply: (answer: Uint8Array) => void): void => {
        if (stopped) return;
        const answer = (bytes: Uint8Array): void => {
          // Any other answer may be a record that the owner has just folded.
          const isView = subject.endsWith('.view') && !Buffer.from(bytes).toString().startsWith('{"error":');
          if (isView) this.witness(partition, `answers ${subject}`);
          this.watch?.answered(partition, bytes);
          reply(bytes);
        };
        handler({ subject, payload, trace }).then(answer, (error: unknown) =>
          reply(Buffer.from(JSON.stringify({ error: EngineError.from(error).toWire() }))),
        );
      },
    };
    let stopped = false;
    const subscribe = (): void => server.subscribe(partition, subscription);
    connection.send(() => {
      if (!stopped) subscribe();
    });
    const forgetReconnect = connection.onReconnect(subscribe);
    const forgetBreak = connection.onBreak(() => server.unsubscribe(partition, subscription));
    return () => {
      stopped = true;
      forgetReconnect();
      forgetBreak();
      server.unsubscribe(partition, subscription);
    };
  }

  broadcast(subject: string, payload: Uint8Array): Promise<boolean> {
    const { connection } = this;
    const token = subject.slice(subject.lastIndexOf('.') + 1);
    this.witness(partitionOf(token, connection.server.options.partitions), `broadcasts ${subject}`);
    const store = (): void => void connection.server.broadcasts.set(subject, payload);
    return connection.call(`broadcast of ${subject}`, store, false).then(
      () => true,
      () => false,
    );
  }
}

class WitnessedJournal extends SimulatedJournal {
  constructor(
    connection: SimulatedConnection,
    private readonly partition: number,
    private readonly witness: LeaseWitness,
    private readonly watch: AnswerWatch | undefined,
  ) {
    super(connection, connection.server.journals[partition]!);
  }

  override read(
    from: number,
    onRecord: (record: JournalRecord) => void,
    onLost: (error: unknown) => void,
  ): JournalReader {
    const { watch } = this;
    if (!watch) return super.read(from, onRecord, onLost);
    const watched = (record: JournalRecord): void => {
      watch.delivered(this.partition, record);
      onRecord(record);
    };
    return super.read(from, watched, onLost);
  }

  override append(messages: readonly JournalMessage[]): Promise<AppendOutcome[]> {
    for (const { subject } of messages) {
      if (parsePartitionSubject(subject)?.cls === 'timer') this.witness(this.partition, `fires ${subject}`);
    }
    return super.append(messages);
  }

  override trim(sequence: number): Promise<void> {
    this.witness(this.partition, `trims below ${sequence}`);
    return super.trim(sequence);
  }
}

/** Everything one simulated process sees of the cluster. */
export class SimulatedCluster implements Cluster, KeeperBuckets {
  readonly leases: KeyValue;
  readonly hosts: KeyValue;
  readonly experience: Appender;
  readonly deadLetters: Appender;
  readonly requests: RequestTransport;
  private readonly journals = new Map<number, Journal>();

  constructor(
    private readonly connection: SimulatedConnection,
    private readonly witness: LeaseWitness = NO_WITNESS,
    private readonly watch?: AnswerWatch,
  ) {
    const { server } = connection;
    this.leases = new SimulatedKeyValue(connection, server.leases);
    this.hosts = new SimulatedKeyValue(connection, server.hosts);
    this.experience = new SimulatedAppender(connection, server.experience);
    this.deadLetters = new SimulatedAppender(connection, server.deadLetters);
    this.requests = new SimulatedRequests(connection, witness, watch);
  }

  ping(): Promise<void> {
    return this.connection.call('ping', () => undefined, false);
  }

  journal(partition: number): Journal {
    const known = this.journals.get(partition);
    if (known) return known;
    const journal = new WitnessedJournal(this.connection, partition, this.witness, this.watch);
    this.journals.set(partition, journal);
    return journal;
  }

  snapshots(partition: number): KeyValue {
    const { server } = this.connection;
    const bucket = server.snapshots[partition]!;
    return new SimulatedKeyValue(
      this.connection,
      bucket,
      () => server.onSnapshot(this.connection),
      (key) => {
        // Chunks have keys of their own, and count once a header names them.
        if (!key.startsWith('chunk.')) this.witness(partition, `writes ${key}`);
      },
    );
  }

  /** Its buckets and its experience have no limits. */
  pressure(): Promise<number> {
    return Promise.resolve(0);
  }
}
