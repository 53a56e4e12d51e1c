/**
 * What one client process gets out of the journals on loopback: durable appends with every acknowledgement checked,
 * replay, and latency from append to delivery. Starts a nats-server of its own.
 */
import { parseArgs } from 'node:util';
import { subjects } from '../src/messages/subjects.js';
import { ensureCluster } from '../src/actors/nats/bootstrap.js';
import { NatsCluster } from '../src/actors/nats/cluster.js';
import { connect, type LinkLog } from '../src/actors/nats/connection.js';
import type { Journal, JournalMessage } from '../src/actors/host/ports.js';
import { startTestNats } from '../test/support/nats.js';

const HELP = `usage: journal [--partitions 16] [--records 200000] [--group 64] [--in-flight 64] [--json]`;

const { values } = parseArgs({
  options: {
    partitions: { type: 'string', default: '16' },
    records: { type: 'string', default: '200000' },
    group: { type: 'string', default: '64' },
    'in-flight': { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const partitions = Number(values.partitions);
const records = Number(values.records);
const group = Number(values.group);
const inFlight = Number(values['in-flight']);
const silent: LinkLog = { info: () => undefined, warn: () => undefined };
const payload = Buffer.from(
  JSON.stringify({ id: 'x'.repeat(24), source: 'bench', data: { value: 1, filler: 'y'.repeat(120) } }),
);

interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const server = await startTestNats({ partitions });
try {
  const link = await connect({ ...server.engine, name: 'bench', log: silent });
  await ensureCluster(link, { partitions, replicas: 1, leaseTtlMs: 5_000 });
  const cluster = await NatsCluster.open(link, { partitions, replicas: 1, log: silent });
  const results = [
    await appendRate(cluster),
    await readRate(cluster),
    ...(await latencies(cluster.journal(0))),
    ...(await pointReads(cluster)),
  ];
  if (values.json) console.log(JSON.stringify({ results }));
  else
    for (const { name, value, unit } of results)
      console.log(`${name.padEnd(44)} ${value.toFixed(2).padStart(12)} ${unit}`);
  await link.close();
} finally {
  await server.dispose();
}

async function appendRate(cluster: NatsCluster): Promise<Result> {
  const messagesOf = (partition: number): JournalMessage[] =>
    Array.from({ length: group }, () => ({
      subject: subjects.record(partition, 'event', 'user', '42', 'click'),
      payload,
    }));
  const batches = Array.from({ length: partitions }, (_, partition) => messagesOf(partition));
  let sent = 0;
  let refused = 0;
  const worker = async (n: number): Promise<void> => {
    const partition = n % partitions;
    while (sent < records) {
      sent += group;
      const outcomes = await cluster.journal(partition).append(batches[partition]!);
      refused += outcomes.filter((outcome) => outcome.status !== 'stored').length;
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, (_, n) => worker(n)));
  const seconds = (performance.now() - startedMs) / 1000;
  if (refused > 0) throw new Error(`${refused} records were not stored`);
  return { name: `append, ${partitions} journals, groups of ${group}`, value: sent / seconds, unit: 'records/s' };
}

async function readRate(cluster: NatsCluster): Promise<Result> {
  let read = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
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
  return { name: 'read, all journals', value: read / ((performance.now() - startedMs) / 1000), unit: 'records/s' };
}

async function latencies(journal: Journal): Promise<Result[]> {
  const acked: number[] = [];
  const delivered: number[] = [];
  const { lastSequence } = await journal.info();
  let arrived: () => void = () => undefined;
  const reader = journal.read(lastSequence + 1, () => arrived(), console.error);
  const message = { subject: subjects.record(0, 'event', 'user', '42', 'click'), payload };
  for (let i = 0; i < 3000; i++) {
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
  return [...quantiles('append → acknowledged', acked), ...quantiles('append → delivered', delivered)];
}

async function pointReads(cluster: NatsCluster): Promise<Result[]> {
  const snapshots = cluster.snapshots(0);
  await snapshots.put('user.42', payload, 0);
  return [
    ...quantiles('key-value get', await timed(() => snapshots.get('user.42'))),
    ...quantiles('journal get', await timed(() => cluster.journal(0).get(1))),
    ...quantiles('control, nothing there', await timed(() => cluster.journal(0).control(1), 200)),
    ...quantiles('keys', await timed(() => snapshots.keys('user.'), 200)),
  ];
}

async function timed(task: () => Promise<unknown>, times = 2000): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const startedMs = performance.now();
    await task();
    took.push(performance.now() - startedMs);
  }
  return took;
}

function quantiles(name: string, samples: number[]): Result[] {
  const sorted = [...samples].sort((a, b) => a - b);
  return [50, 99].map((p) => ({
    name: `${name}, p${p}`,
    value: sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))]!,
    unit: 'ms',
  }));
}
