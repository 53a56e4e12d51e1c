/**
 * Reads one stream in order, for ever. The server pushes to an ephemeral consumer without acknowledgements, under flow
 * control and idle heartbeats; whatever looks wrong (a hole in the consumer's numbering, missed heartbeats, a lost
 * connection, a deleted consumer) is answered the same way: a new consumer that starts behind the last record given out.
 */
import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, nanos, type Msg, type Subscription } from '@nats-io/transport-node';
import { EngineError } from '../../kernel/errors.js';
import type { JournalInfo, JournalReader, JournalRecord } from '../host/ports.js';
import type { NatsLink } from './connection.js';
import { parseDelivery, type Delivery } from './delivery.js';
import { isStreamMissing } from './nats-errors.js';
import { journalInfoOf } from './stream-info.js';

const HEARTBEAT_MS = 1_000;
/** Silence for so long means that the consumer is gone. */
const SILENCE_MAX_MS = 2_500;
const RETRY_MS = 200;
/** A stream that is not there so many times in a row is gone; fewer may be a server that is still starting. */
const MISSING_MAX = 5;
const CONTROL_STATUS = 100;

export interface OrderedReaderOptions {
  readonly stream: string;
  readonly from: number;
  readonly onRecord: (record: JournalRecord) => void;
  readonly onLost: (error: unknown) => void;
}

export class OrderedReader implements JournalReader {
  readonly #link: NatsLink;
  readonly #jsm: JetStreamManager;
  readonly #options: OrderedReaderOptions;
  readonly #unwatch: () => void;
  readonly #watchdog: NodeJS.Timeout;
  readonly #delivery: Delivery = { sequence: 0, delivered: 0, timestampMs: 0, pending: 0 };
  /** Sequence of the last record given out, or `from - 1`. */
  #last: number;
  /** The record at `#last`, once one was given out: a stream that lost its end and has grown since holds another there. */
  #lastRead: { readonly subject: string; readonly payload: Uint8Array } | undefined;
  #identity: string | undefined;
  /** The attachment in force; anything that belongs to another is stale. */
  #attachment = 0;
  #subscription: Subscription | undefined;
  #delivered = 0;
  #heardMs = 0;
  #missing = 0;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(link: NatsLink, jsm: JetStreamManager, options: OrderedReaderOptions) {
    this.#link = link;
    this.#jsm = jsm;
    this.#options = options;
    this.#last = Math.max(1, options.from) - 1;
    this.#unwatch = link.watch({ down: () => this.#detach(), up: () => this.#attach() });
    this.#watchdog = setInterval(() => this.#watch(), HEARTBEAT_MS);
    if (link.up) this.#attach();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#unwatch();
    clearInterval(this.#watchdog);
    this.#detach();
  }

  #detach(): void {
    this.#attachment++;
    clearTimeout(this.#retry);
    // Without interest in its inbox the server stops the consumer at once and deletes it soon after.
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  #attach(): void {
    if (this.#stopped) return;
    this.#detach();
    const attachment = this.#attachment;
    this.#delivered = 0;
    this.#heardMs = performance.now();
    const inbox = createInbox();
    this.#subscription = this.#link.nc.subscribe(inbox, {
      callback: this.#link.unreadable.guard('stored-message', (message: Msg) => {
        if (attachment === this.#attachment) this.#receive(message);
      }),
    });
    this.#createConsumer(inbox).then(
      () => {
        if (attachment === this.#attachment) this.#missing = 0;
      },
      (error: unknown) => {
        if (attachment === this.#attachment) this.#attachFailed(error);
      },
    );
  }

  async #createConsumer(inbox: string): Promise<void> {
    const attachment = this.#attachment;
    const info = journalInfoOf(await this.#jsm.streams.info(this.#options.stream));
    if (attachment !== this.#attachment) return;
    this.#identity ??= info.identity;
    if (info.identity !== this.#identity) throw replaced(this.#options.stream);
    if (this.#lastRead !== undefined) await this.#assertContinues(this.#lastRead, info);
    if (attachment !== this.#attachment) return;
    await this.#jsm.consumers.add(this.#options.stream, {
      deliver_subject: inbox,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#last + 1,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      mem_storage: true,
      num_replicas: 1,
    });
  }

  /** Throws where the stream no longer holds what it has delivered; records trimmed since cannot tell. */
  async #assertContinues(read: { subject: string; payload: Uint8Array }, info: JournalInfo): Promise<void> {
    const { stream } = this.#options;
    if (info.lastSequence < this.#last) throw rewound(stream, info.lastSequence);
    if (info.firstSequence > this.#last) return;
    const stored = await this.#jsm.streams.getMessage(stream, { seq: this.#last });
    // Deleted alone, as by an erasure.
    if (stored === null) return;
    if (stored.subject !== read.subject || Buffer.compare(stored.data, read.payload) !== 0)
      throw rewound(stream, this.#last - 1);
  }

  #attachFailed(error: unknown): void {
    if (error instanceof EngineError) return this.#lose(error);
    if (isStreamMissing(error) && ++this.#missing >= MISSING_MAX) return this.#lose(gone(this.#options.stream));
    this.#detach();
    this.#retry = setTimeout(() => this.#attach(), RETRY_MS);
  }

  #receive(message: Msg): void {
    this.#heardMs = performance.now();
    const reply = message.reply ?? '';
    const delivery = this.#delivery;
    if (!parseDelivery(reply, delivery)) return this.#control(message, reply);
    if (delivery.delivered !== this.#delivered + 1) return this.#attach();
    this.#delivered = delivery.delivered;
    // A start behind the tail makes the server begin at the tail, so early ones are possible, and not wanted.
    if (delivery.sequence <= this.#last) return;
    this.#last = delivery.sequence;
    this.#lastRead = { subject: message.subject, payload: message.data };
    try {
      this.#options.onRecord({
        sequence: delivery.sequence,
        timestampMs: delivery.timestampMs,
        subject: message.subject,
        payload: message.data,
        pending: delivery.pending,
      });
    } catch (error) {
      // Thrown on, it would break the connection's parser and with it everybody's traffic.
      this.#lose(error);
    }
  }

  /** Heartbeats and flow control: status messages without a body. */
  #control(message: Msg, reply: string): void {
    const headers = message.headers;
    if (headers?.code !== CONTROL_STATUS) return this.#attach();
    if (reply !== '') return this.#link.nc.publish(reply);
    if (Number(headers.get('Nats-Last-Consumer') || 0) !== this.#delivered) return this.#attach();
    const stalled = headers.get('Nats-Consumer-Stalled');
    if (stalled) this.#link.nc.publish(stalled);
  }

  #watch(): void {
    if (!this.#link.up || performance.now() - this.#heardMs < SILENCE_MAX_MS) return;
    // After a pause of the whole process the heartbeats may lie in the socket, so read that first.
    const attachment = this.#attachment;
    setImmediate(() => {
      if (attachment !== this.#attachment || performance.now() - this.#heardMs < SILENCE_MAX_MS) return;
      this.#attach();
    });
  }

  #lose(error: unknown): void {
    if (this.#stopped) return;
    this.stop();
    this.#options.onLost(error);
  }
}

const gone = (stream: string): EngineError =>
  new EngineError('Dependency', 'STREAM_MISSING', `The stream ${stream} does not exist any more.`);

const replaced = (stream: string): EngineError =>
  new EngineError('Dependency', 'JOURNAL_REPLACED', `The stream ${stream} was deleted and made again.`);

const rewound = (stream: string, last: number): EngineError =>
  new EngineError(
    'Dependency',
    'JOURNAL_REWOUND',
    `The stream ${stream} ends at ${last}, before records that it has already delivered.`,
  );
