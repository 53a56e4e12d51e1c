/** Two hosts, one of which has a busy main thread: how long it may be busy, and what becomes of its partitions then. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { readJournals } from '../support/journal-truth.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { hostsOf, settled } from '../support/verify-load.js';

const PARTITIONS = 4;
const LEASE_TTL_MS = 2_000;
const HUNG_AFTER_MS = 1_000;
const SETTINGS = {
  'cluster.partitions': PARTITIONS,
  'cluster.leaseTtlMs': LEASE_TTL_MS,
  'cluster.hungAfterMs': HUNG_AFTER_MS,
};
/** Promised, and as much again on a machine that is busy with other things. */
const TAKEOVER_MS_MAX = 2 * (HUNG_AFTER_MS + LEASE_TTL_MS + 2_000);

let nats: TestNats;
let gateway: EngineProcess;
let hosts: EngineProcess[];

beforeAll(async () => {
  nats = await startTestNats({ partitions: PARTITIONS });
  // Which of them has a partition goes by their names, and by these each has half of them.
  const start = (role: 'host' | 'gateway', name: string): Promise<EngineProcess> =>
    startEngineProcess({ role, nats: nats.engine, settings: { ...SETTINGS, 'cluster.hostId': name } });
  hosts = [await start('host', 'one'), await start('host', 'other')];
  gateway = await start('gateway', 'gateway');
  await settled(gateway.url, PARTITIONS, 2);
});

afterAll(async () => {
  await endEngineProcesses();
  await nats.dispose();
});

const ownedBy = async (engine: EngineProcess): Promise<Map<number, number>> => {
  const view = (await hostsOf(gateway.url)).find(({ host }) => host === engine.hostId);
  return new Map((view?.partitions ?? []).map(({ partition, epoch }) => [partition, epoch]));
};

test.each([
  ['once', 0.8 * HUNG_AFTER_MS, 1],
  ['again and again, for several lives of a lease', 0.7 * HUNG_AFTER_MS, 12],
])('a host that is busy for less than hungAfterMs keeps what it has: %s', async (_, blockMs, times) => {
  await settled(gateway.url, PARTITIONS, 2);
  const before = await Promise.all(hosts.map(ownedBy));
  await hosts[0]!.keepBusy(blockMs, times);
  await settled(gateway.url, PARTITIONS, 2);
  expect(before[0]!.size).toBeGreaterThan(0);
  expect(await Promise.all(hosts.map(ownedBy))).toEqual(before);
});

test('a host that hangs loses its partitions to the other, and comes back under later epochs', async () => {
  await settled(gateway.url, PARTITIONS, 2);
  const owned = await ownedBy(hosts[0]!);
  const hungAtMs = Date.now();
  const over = hosts[0]!.keepBusy(15_000);
  await eventually('the other host serves everything', async () => (await ownedBy(hosts[1]!)).size === PARTITIONS);
  const { barriers } = await readJournals(nats.engine, PARTITIONS);
  expect(owned.size).toBeGreaterThan(0);
  for (const [partition, epoch] of owned) {
    const next = barriers.find((barrier) => barrier.partition === partition && barrier.epoch > epoch);
    expect(next?.host).toBe(hosts[1]!.hostId);
    expect(next!.timestampMs - hungAtMs).toBeLessThan(TAKEOVER_MS_MAX);
  }
  await over;
  await settled(gateway.url, PARTITIONS, 2);
  const again = await ownedBy(hosts[0]!);
  expect([...again.keys()].sort()).toEqual([...owned.keys()].sort());
  for (const [partition, epoch] of again) expect(epoch).toBeGreaterThan(owned.get(partition)!);
});
