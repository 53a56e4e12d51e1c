/**
 * Floods of small events while facts are expected and PostgreSQL is down, so that nothing may be trimmed: events are shut
 * out, decisions go on, and all recovers by itself once PostgreSQL is back; nothing acknowledged is lost.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AckedPublisher } from '../../src/actors/nats/acked-publisher.js';
import { connect, type NatsLink } from '../../src/actors/nats/connection.js';
import { DEFAULT_APP, encodeToken, partitionOf } from '../../src/kernel/ids.js';
import { subjects } from '../../src/messages/subjects.js';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { silentLog } from '../support/nats-world.js';
import { startTestPostgres, type TestPostgres } from '../support/postgres.js';
import { cloudEvent, consent, get, pickup, post } from '../support/rest.js';

const PARTITIONS = 2;
const STORE_BYTES_MAX = 64 * 1024 * 1024;
const BATCH = 200;
const ROUNDS_MAX = 400;
/** With its envelope, about what a real event has. */
const PAD = 'x'.repeat(120);

let nats: TestNats;
let postgres: TestPostgres;
let engine: EngineProcess;
let link: NatsLink;
let publisher: AckedPublisher;

/** Users of each partition: the table of known events of one has room for a part of a flood only. */
const usersOf = (partition: number): string[] =>
  Array.from({ length: 400 }, (_, i) => `u${i}`)
    .filter((user) => partitionOf(encodeToken(user), PARTITIONS) === partition)
    .slice(0, 20);
const byHttp = usersOf(0);
const byNats = usersOf(1);
/** Trips that were acknowledged, by user. */
const acknowledged = new Map([...byHttp, ...byNats].map((user) => [user, 0]));
const count = (user: string): void => void acknowledged.set(user, acknowledged.get(user)! + 1);

beforeAll(async () => {
  [nats, postgres] = await Promise.all([
    startTestNats({ partitions: PARTITIONS, storeBytesMax: STORE_BYTES_MAX }),
    startTestPostgres(),
  ]);
  engine = await startEngineProcess({
    nats: nats.engine,
    databaseUrl: postgres.url,
    settings: { 'cluster.partitions': PARTITIONS, 'cluster.leaseTtlMs': 1500 },
  });
  // The engine's account: an app's gets no answer at all where no stream takes its event.
  link = await connect({ ...nats.engine, name: 'flood', log: silentLog });
  publisher = new AckedPublisher(link);
  for (const user of acknowledged.keys()) await consent(engine.url, user);
  await eventually('facts are written', async () => (await factsState()) === 'sinking');
  await postgres.stop();
});

afterAll(async () => {
  await link?.close();
  await endEngineProcesses();
  await postgres.dispose();
  await nats.dispose();
});

const factsState = async (): Promise<string> => (await get(engine.url, '/v1/status')).body.hosts[0].facts.state;

let trips = 0;
const tripOf = (user: string): Record<string, unknown> =>
  cloudEvent({ id: `trip-${++trips}`, type: 'trip.completed', subject: `user/${user}`, data: { pad: PAD } });

async function sendByHttp(size: number): Promise<{ readonly status: number; readonly code: unknown }> {
  const sent = Array.from({ length: size }, (_, i) => byHttp[i % byHttp.length]!);
  const events = sent.map(tripOf);
  const { status, body } = await post(engine.url, '/v1/events', events);
  const taken = new Set(((body.accepted ?? []) as { id: string }[]).map(({ id }) => id));
  events.forEach(({ id }, i) => taken.has(id as string) && count(sent[i]!));
  return { status, code: body.code };
}

async function sendByNats(size: number): Promise<readonly string[]> {
  const sent = Array.from({ length: size }, (_, i) => byNats[i % byNats.length]!);
  const outcomes = await publisher.publish(
    sent.map((user) => ({
      subject: subjects.record(1, 'event', DEFAULT_APP, 'user', encodeToken(user), 'trip.completed'),
      payload: Buffer.from(JSON.stringify(tripOf(user))),
    })),
  );
  expect(outcomes.filter(({ status }) => status === 'unknown')).toEqual([]);
  outcomes.forEach(({ status }, i) => status === 'stored' && count(sent[i]!));
  return outcomes.flatMap((outcome) => (outcome.status === 'refused' ? [outcome.code] : []));
}

async function until(what: string, refused: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) if (await refused()) return;
  throw new Error(`${what} was never refused`);
}

async function expectDecisions(): Promise<void> {
  for (const user of [byHttp[0]!, byNats[0]!]) {
    const { status, body } = await post(engine.url, '/v1/decisions', pickup(user, { deadlineMs: 5_000 }));
    expect({ status, personalized: body.personalized }).toEqual({ status: 200, personalized: true });
  }
}

test('small events by HTTP are shut out with a code of their own, and decisions go on', async () => {
  await until('the flood by HTTP', async () => {
    const { status, code } = await sendByHttp(BATCH);
    // As below: the server may refuse first, where a flood reaches the limit between two looks of the owner.
    if (status === 202 || code === 'JOURNAL_FULL') return false;
    expect({ status, code }).toEqual({ status: 429, code: 'JOURNAL_FILLING' });
    return true;
  });
  await expectDecisions();
});

test('small events by NATS are shut out, and decisions go on', async () => {
  await until('the flood by NATS', async () => {
    const codes = await sendByNats(BATCH);
    // A flood may reach the journal's limit between two looks of its owner; then the server refuses first.
    for (const code of codes) expect(['JOURNAL_FULL', 'JOURNAL_UNAVAILABLE']).toContain(code);
    return codes.includes('JOURNAL_UNAVAILABLE');
  });
  await expectDecisions();
  expect(await factsState()).not.toBe('sinking');
});

test('all recovers by itself when PostgreSQL is back: events are taken, and every acknowledged one is counted', async () => {
  await postgres.start();
  await eventually('events are taken again by HTTP', async () => (await sendByHttp(1)).status === 202);
  await eventually('events are taken again by NATS', async () => (await sendByNats(1)).length === 0);
  await eventually('every acknowledged trip is counted, once', async () => {
    for (const [user, expected] of acknowledged) {
      const { body } = await get(engine.url, `/v1/users/${user}`);
      if (body.counters?.trips !== expected) return false;
    }
    return true;
  });
  expect([...acknowledged.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThan(5_000);
  await eventually('facts are written again', async () => (await factsState()) === 'sinking');
  await expectDecisions();
});
