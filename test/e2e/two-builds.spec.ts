/**
 * Two builds in one cluster, as while a new one is rolled out: this one, and a copy of it that is changed as the next might
 * be. In its schema the timer of a snapshot is called an alarm, and by its semantics a pickup counts ten times.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { latLngToCell } from 'h3-js';
import { NatsCluster } from '../../src/actors/nats/cluster.js';
import { connect } from '../../src/actors/nats/connection.js';
import { RECORD_VERSION } from '../../src/messages/versions.js';
import { changedMain } from '../support/engine-build.js';
import {
  endEngineProcesses,
  spawnEngineProcess,
  startEngineProcess,
  type EngineProcess,
} from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { silentLog } from '../support/nats-world.js';
import { cloudEvent, get, post } from '../support/rest.js';
import { hostsOf } from '../support/verify-load.js';

const PARTITIONS = 4;
const SETTINGS = { 'cluster.partitions': PARTITIONS, 'cluster.leaseTtlMs': 1_500 };
/** Of all partitions. */
const CELLS = Array.from({ length: 12 }, (_, i) => latLngToCell(52.3 + i / 30, 13.1 + i / 20, 8));
const NEXT = RECORD_VERSION + 1;

let nats: TestNats;
let gateway: EngineProcess;
let nextMain: string;
let sent = 0;

beforeAll(async () => {
  nextMain = await changedMain('next', {
    'messages/versions.js': [
      [`RECORD_VERSION = ${RECORD_VERSION}`, `RECORD_VERSION = ${NEXT}`],
      ['const SEMANTICS = 1', 'const SEMANTICS = 2'],
    ],
    'messages/schema-steps/index.js': [
      [
        'SCHEMA_STEPS = []',
        `renamed = (from, to) => (form, { [from]: moved, ...rest }) =>
           form === 'snapshot' ? { ...rest, [to]: moved } : { ...rest, [from]: moved };
         export const SCHEMA_STEPS = [
           { from: ${RECORD_VERSION}, up: renamed('timer', 'alarm'), down: renamed('alarm', 'timer') },
         ]`,
      ],
      ['export const renamed', 'const renamed'],
    ],
    'actors/host/snapshot-codec.js': [[/\btimer\b/g, 'alarm']],
    'actors/zone/zone.fold.js': [
      [
        'sequence: ctx.sequence',
        'sequence: ctx.sequence, pickupsTotal: counted.pickupsTotal + (ctx.semantics > 1 ? 9 : 0)',
      ],
    ],
  });
  nats = await startTestNats({ partitions: PARTITIONS });
});

afterAll(async () => {
  await endEngineProcesses();
  await nats.dispose();
});

/** Names of hosts: which of two has a partition goes by their names, and by these an old one and a next one each have two. */
type Name = 'old' | 'next' | 'next-again';

const startHost = (name: Name, main?: string): Promise<EngineProcess> =>
  startEngineProcess({
    role: 'host',
    nats: nats.engine,
    settings: { ...SETTINGS, 'cluster.hostId': name },
    ...(main === undefined ? {} : { main }),
  });

/** One more pickup in every cell. */
async function pickUp(): Promise<void> {
  const events = CELLS.map((cell) => {
    const time = new Date().toISOString();
    return cloudEvent({ id: `p${sent++}`, type: 'pickup', subject: `zone/${cell}`, time });
  });
  const { status, body } = await post(gateway.url, '/v1/events', events);
  expect({ status, rejected: body.rejected }).toEqual({ status: 202, rejected: [] });
}

const everywhere = (total: number): Promise<unknown> =>
  eventually(`${total} pickups everywhere`, async () => {
    const views = await Promise.all(CELLS.map((cell) => get(gateway.url, `/v1/zones/${cell}`)));
    return views.every(({ status, body }) => status === 200 && body.pickupsTotal === total);
  });

/** Every partition is served by one of these, and each of them serves some. */
const servedBy = (...hosts: readonly EngineProcess[]): Promise<unknown> =>
  eventually(`service by ${hosts.map(({ hostId }) => hostId).join(' and ')}`, async () => {
    const views = (await hostsOf(gateway.url)).map(({ host, partitions }) => ({
      host,
      serving: partitions.filter(({ phase }) => phase === 'serving').length,
    }));
    const serving = views.filter((view) => view.serving > 0);
    const ids = new Set(serving.map(({ host }) => host));
    const total = serving.reduce((sum, view) => sum + view.serving, 0);
    return total === PARTITIONS && ids.size === hosts.length && hosts.every(({ hostId }) => ids.has(hostId));
  });

interface Stored {
  /** Of owner-written records, and of snapshots. */
  readonly records: ReadonlySet<number>;
  readonly snapshots: ReadonlySet<number>;
  readonly semantics: ReadonlySet<number>;
}

async function stored(): Promise<Stored> {
  const link = await connect({ ...nats.engine, name: 'test', log: silentLog });
  const cluster = await NatsCluster.open(link, { partitions: PARTITIONS, replicas: 1, log: silentLog });
  try {
    const [records, snapshots, semantics] = [new Set<number>(), new Set<number>(), new Set<number>()];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const { payload } of await cluster.journal(partition).control(1)) {
        const record = JSON.parse(Buffer.from(payload).toString('utf8')) as { v: number; semantics?: number };
        records.add(record.v);
        if (record.semantics !== undefined) semantics.add(record.semantics);
      }
      const bucket = cluster.snapshots(partition);
      for (const key of await bucket.keys('zone.')) {
        const value = await bucket.get(key);
        if (value) snapshots.add((JSON.parse(Buffer.from(value.value).toString('utf8')) as { v: number }).v);
      }
    }
    return { records, snapshots, semantics };
  } finally {
    await link.close();
  }
}

test('either owns what the other has written, before the rise; after it the old one is refused', async () => {
  const first = await startHost('old');
  gateway = await startEngineProcess({ role: 'gateway', nats: nats.engine, settings: SETTINGS });
  await servedBy(first);
  await pickUp();
  await everywhere(1);

  // The new build joins, takes its share with what the old one has stored, and hands everything back.
  const second = await startHost('next', nextMain);
  await servedBy(first, second);
  await pickUp();
  await everywhere(2);
  await second.end('SIGTERM');
  await servedBy(first);
  await everywhere(2);
  await pickUp();
  await everywhere(3);
  expect(await stored()).toMatchObject({
    records: new Set([RECORD_VERSION]),
    snapshots: new Set([RECORD_VERSION]),
    semantics: new Set([1]),
  });

  // It joins again; an old one that hangs is no live host, and so the versions rise behind its back.
  const third = await startHost('next-again', nextMain);
  await servedBy(first, third);
  await first.pause();
  await servedBy(third);
  const risen = await eventually('all partitions have risen', async () => {
    const now = await stored();
    return now.semantics.has(2) ? now : undefined;
  });
  expect(risen.records).toEqual(new Set([RECORD_VERSION, NEXT]));
  await everywhere(3);
  await eventually('a pickup counts ten times in every partition', async () => {
    const barriers = third.log.filter(({ message }) => message === 'partition is served');
    return new Set(barriers.map(({ partition }) => partition)).size === PARTITIONS && barriers.length >= 2 * PARTITIONS;
  });
  await pickUp();
  await everywhere(13);

  // The one that hung is back: it refuses what it does not understand, by its code, and destroys nothing.
  first.resume();
  await eventually('the old one refuses', () =>
    first.log.some(({ phase, reason }) => phase === 'refused' && /DATA_TOO_NEW|SEMANTICS_TOO_NEW/.test(String(reason))),
  );
  await first.end('SIGKILL');
  await servedBy(third);
  await everywhere(13);

  // Another old one does not even start.
  const late = await spawnEngineProcess({ role: 'host', nats: nats.engine, settings: SETTINGS });
  await expect(late.ended).resolves.toEqual({ code: 78, signal: null });
  expect(late.stderr()).toContain('CLUSTER_TOO_NEW');

  // Stored anew, and read again from what is stored.
  await third.end('SIGTERM');
  expect((await stored()).snapshots).toEqual(new Set([NEXT]));
  const fourth = await startHost('next', nextMain);
  await servedBy(fourth);
  await everywhere(13);
});
