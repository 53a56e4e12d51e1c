/**
 * The echo with a journal in its way and nothing else: what was sent is made a record, published in a group with whatever
 * else came in the same turn, and answered once it has been delivered back and parsed. No actor, no policy, no snapshot, no
 * facts: what durable decisions over HTTP cost at least.
 */
import { fastify } from 'fastify';
import { NatsCluster } from '../src/actors/nats/cluster.js';
import { connect } from '../src/actors/nats/connection.js';
import type { JournalMessage } from '../src/actors/host/ports.js';
import { systemClock } from '../src/kernel/clock.js';
import { partitionOf } from '../src/kernel/ids.js';
import { createLogger } from '../src/kernel/logger.js';
import { subjects } from '../src/messages/subjects.js';

/** A decision's record in the bench has about 2.9 KB, its request 1.0: the request is journaled so many times over. */
const COPIES = 3;

interface Order {
  readonly nats: { readonly url: string; readonly user: string; readonly pass: string };
  readonly partitions: number;
}

const { nats, partitions } = JSON.parse(process.argv[2]!) as Order;
const log = createLogger('error');
const link = await connect({ ...nats, name: 'durable-echo', log });
const cluster = await NatsCluster.open(link, { partitions, replicas: 1, log });
const waiting = new Map<number, (body: unknown) => void>();
let last = 0;

const queues = Array.from({ length: partitions }, (_, partition) => {
  const journal = cluster.journal(partition);
  let queue: JournalMessage[] = [];
  const flush = (): void => {
    const group = queue;
    queue = [];
    void journal.append(group);
  };
  journal.read(
    1,
    ({ payload }) => {
      const { n, body } = JSON.parse(Buffer.from(payload).toString('utf8')) as { n: number; body: unknown[] };
      waiting.get(n)?.(body[0]);
      waiting.delete(n);
    },
    (error) => {
      throw error;
    },
  );
  return (message: JournalMessage): void => {
    if (queue.push(message) === 1) systemClock.soon(flush);
  };
});

const server = fastify({ logger: false });
server.post<{ Body: { subject: { id: string } } }>('/v1/decisions', ({ body }) => {
  const n = ++last;
  const partition = partitionOf(body.subject.id, partitions);
  const record = JSON.stringify({ n, body: Array.from({ length: COPIES }, () => body) });
  queues[partition]!({
    subject: subjects.record(partition, 'decision', 'app', 'user', body.subject.id),
    payload: Buffer.from(record),
  });
  return new Promise((resolve) => waiting.set(n, resolve));
});
await server.listen({ host: '127.0.0.1', port: 0 });
const { port } = server.server.address() as { port: number };
process.send?.({ url: `http://127.0.0.1:${port}` });
process.once('disconnect', () => process.exit(0));
