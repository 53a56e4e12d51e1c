/** No room for another record: said so, answered around, and forgotten once there is room again. */
import { jetstreamManager, StorageType, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { streams } from '../../src/messages/subjects.js';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post } from '../support/rest.js';

const PARTITIONS = 2;
const STORE_BYTES_MAX = 64 * 1024 * 1024;
const SETTINGS = { 'cluster.partitions': PARTITIONS, 'cluster.leaseTtlMs': 1500 };

let nats: TestNats;
let engine: EngineProcess;
let nc: NatsConnection;
let jsm: JetStreamManager;

beforeAll(async () => {
  nats = await startTestNats({ partitions: PARTITIONS, storeBytesMax: STORE_BYTES_MAX });
  engine = await startEngineProcess({
    nats: nats.engine,
    databaseUrl: 'postgresql://nobody@127.0.0.1:1/none',
    settings: SETTINGS,
  });
  nc = await connect({ servers: nats.url, user: nats.engine.user, pass: nats.engine.pass });
  jsm = await jetstreamManager(nc);
  await consent(engine.url, '42');
});

afterAll(async () => {
  await nc?.close();
  await endEngineProcesses();
  await nats.dispose();
});

let events = 0;
const sendTrip = () => {
  events++;
  return post(
    engine.url,
    '/v1/events',
    cloudEvent({ id: `trip-${events}`, type: 'trip.completed', subject: 'user/42' }),
  );
};

const decide = () => post(engine.url, '/v1/decisions', pickup('42', { deadlineMs: 500 }));

async function expectRefusals(): Promise<void> {
  const refused = await sendTrip();
  expect(refused).toMatchObject({ status: 503, body: { code: 'JOURNAL_FULL', accepted: [] } });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(JSON.stringify(refused.body)).not.toContain('/');

  const decided = await decide();
  expect(decided).toMatchObject({ status: 200, body: { personalized: false, degraded: ['owner'], token: '' } });
  expect(decided.body.fallbackReason).toEqual(expect.any(String));
  expect(decided.body.slate.length).toBeGreaterThan(0);
}

/** Personal decisions are back, and what was refused has left no trace. */
async function expectRecovery(trips: number): Promise<void> {
  await eventually('decisions are personal again', async () => (await decide()).body.personalized === true);
  const { status, body } = await eventually('events are taken again', async () => {
    const answer = await sendTrip();
    return answer.status === 202 ? answer : undefined;
  });
  expect({ status, body }).toMatchObject({ status: 202, body: { rejected: [] } });
  const token = body.accepted[0].token as string;
  const read = await post(engine.url, '/v1/decisions', pickup('42', { after: token, deadlineMs: 10_000 }));
  expect(read.body).toMatchObject({ personalized: true, degraded: [] });
  const { counters } = (await get(engine.url, '/v1/users/42')).body;
  expect(counters).toMatchObject({ trips });
}

test('journals at their limit refuse, and take records again when the limit is raised', async () => {
  expect((await sendTrip()).status).toBe(202);
  const limit = async (partition: number, bytes: (used: number) => number): Promise<void> => {
    const { config, state } = await jsm.streams.info(streams.journal(partition));
    await jsm.streams.update(config.name, { ...config, max_bytes: bytes(state.bytes) });
  };
  for (let partition = 0; partition < PARTITIONS; partition++) await limit(partition, (used) => used + 1);
  await expectRefusals();
  for (let partition = 0; partition < PARTITIONS; partition++) await limit(partition, () => -1);
  await expectRecovery(2);
});

test('a store that is full, for leases and snapshots too, is survived', async () => {
  await jsm.streams.add({ name: 'FILLER', subjects: ['filler'], storage: StorageType.File });
  const block = new Uint8Array(128 * 1024);
  const fill = async (bytes: Uint8Array): Promise<boolean> => {
    const ack = (await nc.request('filler', bytes)).json<{ error?: unknown }>();
    return ack.error === undefined;
  };
  // Big blocks first, and small ones into what they leave.
  for (const size of [block.length, 4096, 64, 1]) {
    while (await fill(block.subarray(0, size)));
  }
  await eventually('writes are refused', async () => (await sendTrip()).status === 503);
  await expectRefusals();
  expect((await get(engine.url, '/health/live')).status).toBe(200);

  await jsm.streams.delete('FILLER');
  await expectRecovery(3);
  await eventually('it is ready', async () => (await get(engine.url, '/health/ready')).status === 200);
});
