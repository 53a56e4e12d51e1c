/** Decisions do not need PostgreSQL: they go on while it is down, and facts catch up when it is back. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '../../src/actors/nats/connection.js';
import { subjects } from '../../src/messages/subjects.js';
import { FactStore } from '../../src/store/fact-store.js';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { silentLog } from '../support/nats-world.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { startTestPostgres, type TestPostgres } from '../support/postgres.js';
import { consent, get, pickup, post } from '../support/rest.js';

const SETTINGS = { 'cluster.partitions': 4, 'cluster.leaseTtlMs': 1500 };

let nats: TestNats;
let postgres: TestPostgres;
let engine: EngineProcess;

const startEngine = (): Promise<EngineProcess> =>
  startEngineProcess({ nats: nats.engine, databaseUrl: postgres.url, settings: SETTINGS });

beforeAll(async () => {
  [nats, postgres] = await Promise.all([startTestNats({ partitions: 4 }), startTestPostgres()]);
  engine = await startEngine();
});

afterAll(async () => {
  await endEngineProcesses();
  await postgres.dispose();
  await nats.dispose();
});

const users = Array.from({ length: 8 }, (_, i) => `user-${i}`);

/** One decision for each user; their ids. */
function decideForAll(): Promise<string[]> {
  return Promise.all(
    users.map(async (user) => {
      const { status, body } = await post(engine.url, '/v1/decisions', pickup(user));
      expect({ status, body }).toMatchObject({ status: 200, body: { personalized: true, degraded: [] } });
      return body.decisionId as string;
    }),
  );
}

/** Resolves once the facts are these decisions and no others, each once. */
async function factsAre(expected: readonly string[]): Promise<void> {
  const store = new FactStore({ url: postgres.url });
  try {
    const wanted = [...expected].sort();
    await eventually('the facts have caught up', async () => {
      const rows = await store.orm.em.fork().execute<{ id: string }[]>('select id from decision_fact');
      const ids = rows.map(({ id }) => id).sort();
      expect(ids.length).toBeLessThanOrEqual(wanted.length);
      return ids.length === wanted.length && (expect(ids).toEqual(wanted), true);
    });
  } finally {
    await store.close();
  }
}

const sinkState = async (): Promise<string> => (await get(engine.url, '/v1/status')).body.hosts[0].facts.state;

test('decisions go on without PostgreSQL, also from an engine that starts without it, and facts catch up', async () => {
  await Promise.all(users.map((user) => consent(engine.url, user)));
  const decided = await decideForAll();
  await factsAre(decided);

  await postgres.stop();
  decided.push(...(await decideForAll()));
  await eventually('the sink says that it retries', async () => (await sinkState()) === 'retrying');
  expect((await get(engine.url, '/health/ready')).status).toBe(200);

  await engine.end('SIGTERM');
  engine = await startEngine();
  decided.push(...(await decideForAll()));
  expect((await get(engine.url, `/v1/decisions/${decided[0]!}`)).body).toMatchObject({ id: decided[0] });

  await postgres.start();
  await factsAre(decided);
  await eventually('the sink works again', async () => (await sinkState()) === 'sinking');
});

test('what the thread of the facts cannot read is in the metrics of its process', async () => {
  const link = await connect({ ...nats.engine, name: 'test', log: silentLog });
  try {
    await link.nc.request(subjects.books('campaign', 'spoilt'), 'no JSON');
  } finally {
    await link.close();
  }
  await eventually('it is counted', async () =>
    (await (await fetch(`${engine.url}/metrics`)).text()).includes(
      'attune_unreadable_total{source="campaign-broadcast"} 1',
    ),
  );
});
