/**
 * What one client process gets out of the journals on loopback: durable appends with every acknowledgement checked,
 * replay, and latency from append to delivery. The bounds of everything the engine does on them.
 */
import type { Journal, JournalMessage } from '../../src/actors/host/ports.js';
import type { NatsCluster } from '../../src/actors/nats/cluster.js';
import { subjects } from '../../src/messages/subjects.js';
import { startNatsWorld } from '../../test/support/nats-world.js';
import { less, more, type Entry, type Result } from '../entry.js';
import { quantile } from '../support/quantiles.js';

const PARTITIONS = 16;
const RECORDS = 150_000;
const GROUP = 64;
const GROUPS_IN_FLIGHT = 64;
const LATENCY_APPENDS = 2_000;
const GETS = 2_000;
const LISTS = 200;
const LEASE_TTL_MS = 5_000;

const payload = Buffer.from(
  JSON.stringify({ id: 'x'.repeat(24), source: 'bench', data: { value: 1, filler: 'y'.repeat(120) } }),
);

export const journal: Entry = {
  name: 'journal',
  about: 'what one client gets out of the journals on loopback: appends, replay, latency',
  async run({ say }) {
    const world = await startNatsWorld({ partitions: PARTITIONS, leaseTtlMs: LEASE_TTL_MS });
    try {
      say(`${RECORDS} records`);
      const appended = await appendRate(world.cluster);
      say('replay');
      const read = await readRate(world.cluster);
      say('latencies');
      return [appended, read, ...(await latencies(world.cluster.journal(0))), ...(await pointReads(world.cluster))];
    } finally {
      await world.dispose();
    }
  },
};

async function appendRate(cluster: NatsCluster): Promise<Result> {
  const messagesOf = (partition: number): JournalMessage[] =>
    Array.from({ length: GROUP }, () => ({
      subject: subjects.record(partition, 'event', 'app', 'user', '42', 'click'),
      payload,
    }));
  const batches = Array.from({ length: PARTITIONS }, (_, partition) => messagesOf(partition));
  let sent = 0;
  let refused = 0;
  const worker = async (n: number): Promise<void> => {
    const partition = n % PARTITIONS;
    while (sent < RECORDS) {
      sent += GROUP;
      const outcomes = await cluster.journal(partition).append(batches[partition]!);
      refused += outcomes.filter((outcome) => outcome.status !== 'stored').length;
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: GROUPS_IN_FLIGHT }, (_, n) => worker(n)));
  const seconds = (performance.now() - startedMs) / 1000;
  if (refused > 0) throw new Error(`${refused} records were not stored`);
  return more('journal.append-rate', sent / seconds, 'records/s');
}

async function readRate(cluster: NatsCluster): Promise<Result> {
  let read = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const journal = cluster.journal(partition);
      const { lastSequence } = await journal.info();
      if (lastSequence === 0) return;
      await new Promise<void>((resolve, reject) => {
        const reader = journal.read(
          1,
          (record) => {
            read++;
            if (record.sequence < lastSequence) return;
            reader.stop();
            resolve();
          },
          reject,
        );
      });
    }),
  );
  return more('journal.read-rate', read / ((performance.now() - startedMs) / 1000), 'records/s');
}

async function latencies(journal: Journal): Promise<Result[]> {
  const acked: number[] = [];
  const delivered: number[] = [];
  const { lastSequence } = await journal.info();
  let arrived: () => void = () => undefined;
  const reader = journal.read(lastSequence + 1, () => arrived(), console.error);
  const message = { subject: subjects.record(0, 'event', 'app', 'user', '42', 'click'), payload };
  for (let i = 0; i < LATENCY_APPENDS; i++) {
    const startedMs = performance.now();
    const arrival = new Promise<void>((resolve) => {
      arrived = () => {
        delivered.push(performance.now() - startedMs);
        resolve();
      };
    });
    await journal.append([message]);
    acked.push(performance.now() - startedMs);
    await arrival;
  }
  reader.stop();
  return [...quantiles('journal.acknowledged', acked), ...quantiles('journal.delivered', delivered)];
}

async function pointReads(cluster: NatsCluster): Promise<Result[]> {
  const snapshots = cluster.snapshots(0);
  await snapshots.put('user.42', payload, 0);
  return [
    ...quantiles('journal.kv-get', await timed(() => snapshots.get('user.42'))),
    ...quantiles('journal.get', await timed(() => cluster.journal(0).get(1))),
    ...quantiles('journal.control', await timed(() => cluster.journal(0).control(1), LISTS)),
    ...quantiles('journal.keys', await timed(() => snapshots.keys('user.'), LISTS)),
  ];
}

async function timed(task: () => Promise<unknown>, times = GETS): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const startedMs = performance.now();
    await task();
    took.push(performance.now() - startedMs);
  }
  return took;
}

const quantiles = (name: string, samples: readonly number[]): Result[] =>
  [50, 99].map((percent) => less(`${name}-p${percent}`, quantile(samples, percent / 100), 'ms'));
