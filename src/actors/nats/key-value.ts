/** A JetStream bucket as a KeyValue. Deleted keys leave a tombstone; here they are absent. */
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import type { KeyValue, Stored } from '../host/ports.js';
import { headers } from '@nats-io/transport-node';
import { EngineError } from '../../kernel/errors.js';
import { AckedPublisher } from './acked-publisher.js';
import type { NatsLink } from './connection.js';
import { dependency, isConflict, REVISION_CONFLICT, unreachable } from './nats-errors.js';
import { readStored } from './stored-messages.js';

const TIMEOUT_MS = 2_000;
const OPERATION_HEADER = 'KV-Operation';
const EXPECTED_HEADER = 'Nats-Expected-Last-Subject-Sequence';
const RETRY_AFTER_MS = 500;

export interface KeyValueOptions {
  /**
   * Whether any replica may answer reads. Replicas lag, so only a bucket with one replica may say so: an owner that
   * reads an old snapshot beside a new checkpoint would lose what lies between.
   */
  readonly anyReplica: boolean;
  /** Several buckets of one link may share one; a bucket makes its own otherwise. */
  readonly publisher?: AckedPublisher;
}

export class NatsKeyValue implements KeyValue {
  readonly #link: NatsLink;
  readonly #jsm: JetStreamManager;
  readonly #kv: KV;
  readonly #bucket: string;
  readonly #publisher: AckedPublisher;

  private constructor(link: NatsLink, jsm: JetStreamManager, kv: KV, bucket: string, publisher: AckedPublisher) {
    this.#link = link;
    this.#jsm = jsm;
    this.#kv = kv;
    this.#bucket = bucket;
    this.#publisher = publisher;
  }

  /** Binds to a bucket without asking whether it exists; calls reject with `STREAM_MISSING` where it does not. */
  static async open(link: NatsLink, bucket: string, options: KeyValueOptions): Promise<NatsKeyValue> {
    const js = jetstream(link.nc, { timeout: TIMEOUT_MS });
    const jsm = await jetstreamManager(link.nc, { timeout: TIMEOUT_MS, checkAPI: false });
    const kv = await new Kvm(js).open(bucket, { allow_direct: options.anyReplica });
    return new NatsKeyValue(link, jsm, kv, bucket, options.publisher ?? new AckedPublisher(link));
  }

  get(key: string): Promise<Stored | undefined> {
    return this.#call(async () => {
      const entry = await this.#kv.get(key);
      return entry === null || entry.operation !== 'PUT' ? undefined : { value: entry.value, revision: entry.revision };
    });
  }

  /** Past the client's own put, which makes a promise, a timer and an error object for each: snapshots come by the thousand. */
  put(key: string, value: Uint8Array, expected: number): Promise<number | undefined> {
    return this.#call(async () => {
      const condition = headers();
      condition.set(EXPECTED_HEADER, String(expected));
      const message = { subject: `$KV.${this.#bucket}.${key}`, payload: value, headers: condition };
      const [outcome] = await this.#publisher.publish([message]);
      if (outcome!.status === 'stored') return outcome!.sequence;
      if (outcome!.status === 'unknown') throw unreachable(`The bucket ${this.#bucket}`);
      if (outcome!.code !== REVISION_CONFLICT) {
        const { code, message: why } = outcome!;
        const known =
          code === 'JOURNAL_FULL' ? 'STORAGE_FULL' : code === 'JOURNAL_UNAVAILABLE' ? 'NATS_UNREACHABLE' : code;
        throw new EngineError('Dependency', known, why, { retryAfterMs: RETRY_AFTER_MS });
      }
      // A deleted key has a tombstone, which the client looks behind.
      return expected === 0 ? unlessConflict(() => this.#kv.create(key, value)) : undefined;
    });
  }

  async remove(key: string, expected: number): Promise<boolean> {
    // The client takes a zero as "whatever the revision is".
    if (expected === 0) return false;
    const done = await this.#call(() =>
      unlessConflict(async () => {
        await this.#kv.delete(key, { previousSeq: expected });
        return true;
      }),
    );
    return done ?? false;
  }

  keys(prefix: string): Promise<string[]> {
    return this.#call(async () => {
      const root = `$KV.${this.#bucket}.`;
      // A filter ends at a dot; the rest of the prefix is compared here.
      const branch = prefix.slice(0, prefix.lastIndexOf('.') + 1);
      const query = { stream: `KV_${this.#bucket}`, filter: `${root}${branch}>`, headersOnly: true };
      const found = await readStored(this.#link, this.#jsm, query, (message) =>
        message.headers?.get(OPERATION_HEADER) ? '' : message.subject.slice(root.length),
      );
      return found.filter((key) => key !== '' && key.startsWith(prefix));
    });
  }

  async #call<T>(task: () => Promise<T>): Promise<T> {
    const what = `The bucket ${this.#bucket}`;
    if (!this.#link.up) throw unreachable(what);
    try {
      return await task();
    } catch (error) {
      throw dependency(what, error);
    }
  }
}

async function unlessConflict<T>(task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}
