/** One-shot reads: everything that a stream holds of one filter, as of now. */
import { AckPolicy, DeliverPolicy, type ConsumerConfig, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, nanos, type Msg } from '@nats-io/transport-node';
import type { NatsLink } from './connection.js';
import { parseDelivery, type Delivery } from './delivery.js';
import { unreachable } from './nats-errors.js';

const TRIES_MAX = 3;
/** A heartbeat says that nothing more is on its way; without one for so long, this try has failed. */
const HEARTBEAT_MS = 500;
const SILENCE_MAX_MS = 3_000;

export interface StoredQuery {
  readonly stream: string;
  readonly filter: string;
  /** First sequence wanted; left out: the last message of each subject. */
  readonly from?: number;
  /** With `from`: the last sequence wanted. */
  readonly to?: number;
  readonly headersOnly?: boolean;
}

/**
 * Collects what `pick` makes of each matching message, in stream order, up to the tail as of the call. Starts over where
 * deliveries are lost. Rejects with Dependency errors.
 */
export async function readStored<T>(
  link: NatsLink,
  jsm: JetStreamManager,
  query: StoredQuery,
  pick: (message: Msg, delivery: Readonly<Delivery>) => T,
): Promise<T[]> {
  for (let tries = 1; ; tries++) {
    if (!link.up) throw unreachable('NATS');
    const collected = await collectOnce(link, jsm, query, pick);
    if (collected !== undefined) return collected;
    if (tries === TRIES_MAX) throw unreachable(`The stream ${query.stream}`);
  }
}

/** Undefined if something was lost on the way. */
async function collectOnce<T>(
  link: NatsLink,
  jsm: JetStreamManager,
  query: StoredQuery,
  pick: (message: Msg, delivery: Readonly<Delivery>) => T,
): Promise<T[] | undefined> {
  const collected: T[] = [];
  const delivery: Delivery = { sequence: 0, delivered: 0, timestampMs: 0, pending: 0 };
  let delivered = 0;
  let finish!: (complete: boolean) => void;
  let fail!: (error: unknown) => void;
  const finished = new Promise<boolean>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // It may fail before anybody waits for it.
  finished.catch(() => undefined);
  const inbox = createInbox();
  let silence = setTimeout(() => finish(false), SILENCE_MAX_MS);
  const subscription = link.nc.subscribe(inbox, {
    callback: (_, message) => {
      clearTimeout(silence);
      silence = setTimeout(() => finish(false), SILENCE_MAX_MS);
      if (!parseDelivery(message.reply ?? '', delivery)) {
        if (message.reply) return link.nc.publish(message.reply);
        return finish(Number(message.headers?.get('Nats-Last-Consumer') ?? -1) === delivered);
      }
      if (delivery.delivered !== delivered + 1) return finish(false);
      delivered = delivery.delivered;
      if (query.to !== undefined && delivery.sequence > query.to) return finish(true);
      if (query.from === undefined || delivery.sequence >= query.from) {
        try {
          collected.push(pick(message, delivery));
        } catch (error) {
          // Thrown on, it would break the connection's parser and with it everybody's traffic.
          return fail(error);
        }
      }
      if (delivery.pending === 0 || delivery.sequence === query.to) finish(true);
    },
  });
  const unwatch = link.watch({ down: () => finish(false) });
  try {
    const consumer = await jsm.consumers.add(query.stream, consumerOf(query, inbox));
    if (consumer.num_pending === 0 && consumer.delivered.consumer_seq === 0) return collected;
    return (await finished) ? collected : undefined;
  } finally {
    clearTimeout(silence);
    unwatch();
    subscription.unsubscribe();
  }
}

function consumerOf(query: StoredQuery, inbox: string): Partial<ConsumerConfig> {
  return {
    deliver_subject: inbox,
    filter_subject: query.filter,
    ...(query.from === undefined
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, query.from) }),
    ...(query.headersOnly === true ? { headers_only: true } : {}),
    ack_policy: AckPolicy.None,
    max_deliver: 1,
    flow_control: true,
    idle_heartbeat: nanos(HEARTBEAT_MS),
    mem_storage: true,
    num_replicas: 1,
  };
}
