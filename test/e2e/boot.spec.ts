/** Processes of one cluster are started in any order, all at once, before their nats-server, and with no PostgreSQL. */
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { endEngineProcesses, spawnEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { get } from '../support/rest.js';

const PARTITIONS = 4;
const SETTINGS = { 'cluster.partitions': PARTITIONS, 'cluster.leaseTtlMs': 1500 };
/** Nothing listens there. */
const DATABASE_URL = 'postgresql://attune:secret@127.0.0.1:1/attune';

let nats: TestNats;
afterEach(endEngineProcesses);
afterAll(() => nats.dispose());

const isWaiting = ({ log }: EngineProcess): boolean =>
  log.some(({ message, code }) => message === 'the start waits for what it needs' && code === 'NATS_UNREACHABLE');

test('a gateway, a learner and two hosts that are there before their nats-server wait for it, and serve', async () => {
  nats = await startTestNats({ partitions: PARTITIONS });
  await nats.kill();
  const roles = ['gateway', 'learner', 'host', 'host'] as const;
  const engines = await Promise.all(
    roles.map((role) => spawnEngineProcess({ role, nats: nats.engine, settings: SETTINGS, databaseUrl: DATABASE_URL })),
  );
  // One that ends instead ends the wait.
  const waiting = eventually('all of them wait', () => engines.every(isWaiting));
  await Promise.race([waiting, ...engines.map(({ ready }) => ready)]);
  await nats.restart();
  await Promise.all(engines.map(({ ready }) => ready));
  const { url } = engines[0]!;
  await eventually('every partition is served', async () => {
    const { hosts } = (await get(url, '/v1/status')).body as { hosts: { partitions?: unknown[] }[] };
    return hosts.flatMap(({ partitions = [] }) => partitions).length === PARTITIONS;
  });
  expect((await get(url, '/health/ready')).status).toBe(200);
});

test('a process that waits for its nats-server ends in order when it is told to', async () => {
  await nats.kill();
  const engine = await spawnEngineProcess({ role: 'host', nats: nats.engine, settings: SETTINGS });
  await Promise.race([eventually('it waits', () => isWaiting(engine)), engine.ready]);
  expect(await engine.end('SIGTERM')).toEqual({ code: 0, signal: null });
});
