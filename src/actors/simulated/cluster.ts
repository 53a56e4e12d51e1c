import { EngineError } from '../../kernel/errors.js';
import type { Appender, Cluster, Journal, KeyValue, RequestEnvelope, RequestTransport, Stored } from '../host/ports.js';
import type { SimulatedBucket } from './bucket.js';
import type { SimulatedConnection } from './connection.js';
import { SimulatedAppender, SimulatedJournal } from './journal.js';

/** One process's view of one bucket. */
class SimulatedKeyValue implements KeyValue {
  constructor(
    private readonly connection: SimulatedConnection,
    private readonly bucket: SimulatedBucket,
    private readonly onPut: () => void = () => {},
  ) {}

  get(key: string): Promise<Stored | undefined> {
    return this.ask(`get ${key}`, () => this.bucket.get(key, this.nowMs));
  }

  put(key: string, value: Uint8Array, expected: number): Promise<number | undefined> {
    return this.ask(`put ${key}`, () => {
      const revision = this.bucket.put(key, value, expected, this.nowMs);
      this.note(`${this.bucket.name} put ${key} at ${expected}: ${revision ?? 'conflict'}`);
      if (revision !== undefined) this.onPut();
      return revision;
    });
  }

  remove(key: string, expected: number): Promise<boolean> {
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
  constructor(private readonly connection: SimulatedConnection) {}

  serve(partition: number, handler: (request: RequestEnvelope) => Promise<Uint8Array>): () => void {
    const { connection } = this;
    const { server } = connection;
    const subscription = {
      connection,
      deliver: ({ subject, payload, trace }: RequestEnvelope, reply: (answer: Uint8Array) => void): void => {
        if (stopped) return;
        handler({ subject, payload, trace }).then(reply, (error: unknown) =>
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

  broadcast(subject: string, payload: Uint8Array): void {
    const { connection } = this;
    connection.send(() => void connection.server.broadcasts.set(subject, payload));
  }
}

/** Everything one simulated process sees of the cluster. */
export class SimulatedCluster implements Cluster {
  readonly leases: KeyValue;
  readonly hosts: KeyValue;
  readonly experience: Appender;
  readonly deadLetters: Appender;
  readonly requests: RequestTransport;
  private readonly journals = new Map<number, Journal>();

  constructor(private readonly connection: SimulatedConnection) {
    const { server } = connection;
    this.leases = new SimulatedKeyValue(connection, server.leases);
    this.hosts = new SimulatedKeyValue(connection, server.hosts);
    this.experience = new SimulatedAppender(connection, server.experience);
    this.deadLetters = new SimulatedAppender(connection, server.deadLetters);
    this.requests = new SimulatedRequests(connection);
  }

  journal(partition: number): Journal {
    const known = this.journals.get(partition);
    if (known) return known;
    const journal = new SimulatedJournal(this.connection, this.connection.server.journals[partition]!);
    this.journals.set(partition, journal);
    return journal;
  }

  snapshots(partition: number): KeyValue {
    const { server } = this.connection;
    return new SimulatedKeyValue(this.connection, server.snapshots[partition]!, () =>
      server.onSnapshot(this.connection),
    );
  }
}
