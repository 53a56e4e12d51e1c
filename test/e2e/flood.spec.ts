/** Floods that fill a journal: events are refused, decisions go on, and it recovers by itself; nothing acknowledged is lost. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post, type RestAnswer } from '../support/rest.js';

const PARTITIONS = 2;
const STORE_BYTES_MAX = 64 * 1024 * 1024;
const SETTINGS = { 'cluster.partitions': PARTITIONS, 'cluster.leaseTtlMs': 1500, 'storage.facts': 'none' };
const START = { databaseUrl: 'postgresql://nobody@127.0.0.1:1/none', settings: SETTINGS };
const BATCH = 8;
const ROUNDS_MAX = 400;

let nats: TestNats;
let engine: EngineProcess;
let nc: NatsConnection;

beforeAll(async () => {
  nats = await startTestNats({ partitions: PARTITIONS, storeBytesMax: STORE_BYTES_MAX });
  engine = await startEngineProcess({ nats: nats.engine, ...START });
  nc = await connect({ servers: nats.url, user: nats.engine.user, pass: nats.engine.pass });
  await consent(engine.url, '42');
});

afterAll(async () => {
  await nc?.close();
  await endEngineProcesses();
  await nats.dispose();
});

let trips = 0;
let accepted = 0;

/** Trips of one user, so that each that is acknowledged can be counted. */
async function sendTrips(count: number, padBytes: number): Promise<RestAnswer> {
  const pad = 'x'.repeat(padBytes);
  const events = Array.from({ length: count }, () =>
    cloudEvent({ id: `trip-${++trips}`, type: 'trip.completed', subject: 'user/42', data: { pad } }),
  );
  const answer = await post(engine.url, '/v1/events', events);
  accepted += (answer.body.accepted as unknown[] | undefined)?.length ?? 0;
  return answer;
}

async function floodUntilRefused(padBytes: number, count: number): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { status, body, headers } = await sendTrips(count, padBytes);
    if (status === 202) continue;
    expect({ status, code: body.code }).toEqual({ status: 429, code: 'JOURNAL_FILLING' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    return;
  }
  throw new Error('the flood was never refused');
}

async function expectRecovery(): Promise<void> {
  await eventually('events are taken again', async () => (await sendTrips(1, 10)).status === 202);
  await eventually('every acknowledged trip is counted', async () => {
    const { body } = await get(engine.url, '/v1/users/42');
    return body.counters?.trips === accepted;
  });
}

test('large events by HTTP: events are refused with a code of their own, decisions go on, and it recovers', async () => {
  await floodUntilRefused(200_000, BATCH);
  expect(
    (await post(engine.url, '/v1/decisions', pickup('42', { deadlineMs: 2_000 }))).body.slate.length,
  ).toBeGreaterThan(0);
  await expectRecovery();
});

test('events of a kind that does not exist, while nobody owns the journals: the takeover has room for its barrier', async () => {
  process.kill(engine.pid, 'SIGKILL');
  await engine.ended;
  const block = Buffer.from(JSON.stringify({ pad: 'x'.repeat(270_000) }));
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (;;) {
      const ack = await nc.request(`attune.p.${partition}.event.app.nobody.x.y`, block, { timeout: 5_000 });
      if (ack.json<{ error?: unknown }>().error !== undefined) break;
    }
  }
  engine = await startEngineProcess({ nats: nats.engine, ...START });
  await expectRecovery();
  await eventually('decisions are personal', async () => {
    const { body } = await post(engine.url, '/v1/decisions', pickup('42', { deadlineMs: 2_000 }));
    return body.personalized === true;
  });
});
