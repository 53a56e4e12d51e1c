/**
 * Feeds a zone replica from the state stream: the last broadcast of every zone, then the new ones as they come. The
 * server pushes to an ephemeral consumer without acknowledgements; whatever looks wrong (a hole in the numbering, missed
 * heartbeats, a lost connection, a stream that is not there yet) is answered by a new consumer that starts over with
 * the last broadcast of each. The replica ignores what it knows, so a repeat does no harm.
 */
import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, nanos, type Msg, type Subscription } from '@nats-io/transport-node';
import { JSON_BOUNDS } from '../../kernel/bounded-json.js';
import { streams, subjects } from '../../messages/subjects.js';
import { zoneFactsSchema } from '../../messages/zones.js';
import type { NatsLink } from '../nats/connection.js';
import { parseDelivery, type Delivery } from '../nats/delivery.js';
import type { ZoneReplica } from './zone-replica.js';

const HEARTBEAT_MS = 1_000;
/** Silence for so long means that the consumer is gone. */
const SILENCE_MAX_MS = 2_500;
const RETRY_MS = 200;
const CONTROL_STATUS = 100;

export class NatsZoneFeed {
  readonly #link: NatsLink;
  readonly #jsm: JetStreamManager;
  readonly #replica: ZoneReplica;
  readonly #unwatch: () => void;
  readonly #watchdog: NodeJS.Timeout;
  readonly #delivery: Delivery = { sequence: 0, delivered: 0, timestampMs: 0, pending: 0 };
  /** The attachment in force; anything that belongs to another is stale. */
  #attachment = 0;
  #subscription: Subscription | undefined;
  #retry: NodeJS.Timeout | undefined;
  #delivered = 0;
  #heardMs = 0;
  #stopped = false;

  /** Starts at once; the replica's `staleMs` tells when it has caught up. */
  constructor(link: NatsLink, jsm: JetStreamManager, replica: ZoneReplica) {
    this.#link = link;
    this.#jsm = jsm;
    this.#replica = replica;
    this.#unwatch = link.watch({ down: () => this.#detach(), up: () => this.#attach() });
    this.#watchdog = setInterval(() => this.#watch(), HEARTBEAT_MS);
    if (link.up) this.#attach();
  }

  /** Idempotent. */
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
    const current = (): boolean => attachment === this.#attachment;
    this.#delivered = 0;
    this.#heardMs = performance.now();
    const inbox = createInbox();
    const { unreadable } = this.#link;
    this.#subscription = this.#link.nc.subscribe(inbox, {
      callback: unreadable.guard('zone-broadcast', (message: Msg) => {
        if (current()) this.#receive(message);
      }),
    });
    this.#createConsumer(inbox).then(
      (pending) => {
        if (current() && pending === 0) this.#replica.heard();
      },
      () => {
        if (!current()) return;
        this.#detach();
        this.#retry = setTimeout(() => this.#attach(), RETRY_MS);
      },
    );
  }

  /** Resolves to how many broadcasts are to come. */
  async #createConsumer(inbox: string): Promise<number> {
    const info = await this.#jsm.consumers.add(streams.state, {
      deliver_subject: inbox,
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subject: subjects.state('zone', '>'),
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    return info.num_pending + info.delivered.consumer_seq;
  }

  #receive(message: Msg): void {
    this.#heardMs = performance.now();
    const reply = message.reply ?? '';
    if (!parseDelivery(reply, this.#delivery)) return this.#control(message, reply);
    if (this.#delivery.delivered !== this.#delivered + 1) return this.#attach();
    this.#delivered = this.#delivery.delivered;
    this.#apply(message);
    if (this.#delivery.pending === 0) this.#replica.heard();
  }

  #apply(message: Msg): void {
    const { unreadable } = this.#link;
    const { subject, data } = message;
    const facts = unreadable.read('zone-broadcast', subject, data, zoneFactsSchema, JSON_BOUNDS.event);
    if (facts === undefined) return;
    if (subject === subjects.state('zone', facts.cell)) this.#replica.apply(facts);
    else unreadable.passOver('zone-broadcast', subject, 'facts of another zone');
  }

  /** Heartbeats and flow control: status messages without a body. */
  #control(message: Msg, reply: string): void {
    const { headers } = message;
    if (headers?.code !== CONTROL_STATUS) return this.#attach();
    if (reply !== '') return this.#link.nc.publish(reply);
    if (Number(headers.get('Nats-Last-Consumer') || 0) !== this.#delivered) return this.#attach();
    const stalled = headers.get('Nats-Consumer-Stalled');
    if (stalled) return this.#link.nc.publish(stalled);
    // An idle consumer whose numbering agrees has nothing left to say.
    this.#replica.heard();
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
}
