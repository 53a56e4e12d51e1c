/** One process with servers of its own: started, started twice, interrupted, killed, and started again on its data. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { processIdentity } from '../../src/embedded/processes.js';
import {
  endEngineProcesses,
  spawnEngineProcess,
  startEngineProcess,
  temporaryStateDir,
  type EngineProcess,
} from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { cloudEvent, consent, get, pickup, post } from '../support/rest.js';

afterEach(endEngineProcesses);

const natsPid = (engine: EngineProcess): number =>
  Number(readFileSync(join(engine.stateDir, 'nats', 'nats-server.pid'), 'utf8'));

const isGone = async (pid: number): Promise<boolean> => (await processIdentity(pid)) === '';

const SETTINGS = { 'cluster.partitions': 4, 'cluster.leaseTtlMs': 1500 };

test('a second engine on the same state directory is refused; after SIGINT nothing is left running', async () => {
  const stateDir = await temporaryStateDir();
  const engine = await startEngineProcess({ stateDir, settings: SETTINGS });

  const second = await spawnEngineProcess({ stateDir, settings: SETTINGS });
  await expect(second.ended).resolves.toEqual({ code: 78, signal: null });
  expect(second.stderr()).toContain('STATE_DIR_IN_USE');
  expect(second.stderr()).toContain(`process ${engine.pid}`);
  expect((await get(engine.url, '/health/ready')).status).toBe(200);

  const nats = natsPid(engine);
  expect(await isGone(nats)).toBe(false);
  await expect(engine.end('SIGINT')).resolves.toEqual({ code: 0, signal: null });
  expect(await isGone(nats)).toBe(true);
});

test('an engine that is configured with what is not there ends before it starts anything', async () => {
  const stateDir = await temporaryStateDir();
  const learners = [{ id: 'l', kind: 'beta-thompson', surface: 'rider.moon', policy: 'p' }];
  const settings = { ...SETTINGS, learners, policiesDir: 'config/nowhere', 'fold.timeZone': 'Mars/Olympus' };
  const failed = await spawnEngineProcess({ stateDir, settings });
  await expect(failed.ended).resolves.toEqual({ code: 78, signal: null });
  for (const field of ['learners[0].surface', 'policiesDir', 'fold.timeZone']) expect(failed.stderr()).toContain(field);
  expect(readdirSync(stateDir)).toEqual([]);
});

test('an engine that is interrupted while it starts stops what it has started by then', async () => {
  const engine = await spawnEngineProcess({ settings: SETTINGS });
  const nats = await eventually('its nats-server runs', () => natsPid(engine));
  await expect(engine.end('SIGTERM')).resolves.toEqual({ code: 0, signal: null });
  expect(engine.log.map(({ message }) => message)).toContain('stopping');
  expect(await isGone(nats)).toBe(true);
});

test('an engine that was killed finds its data when it is started again', async () => {
  const stateDir = await temporaryStateDir();
  const first = await startEngineProcess({ stateDir, settings: SETTINGS });
  await consent(first.url, '42');
  const request = pickup('42', { requestId: 'r1' });
  const decided = await post(first.url, '/v1/decisions', request);
  expect(decided.body).toMatchObject({ personalized: true, degraded: [], fallbackReason: null });
  const { decisionId, slate } = decided.body;
  const accept = cloudEvent({ id: 'a1', type: 'accept', subject: 'user/42', data: { decisionId } });
  expect((await post(first.url, '/v1/events', accept)).status).toBe(202);

  const nats = natsPid(first);
  await first.end('SIGKILL');
  const again = await startEngineProcess({ stateDir, settings: SETTINGS });
  expect(await isGone(nats)).toBe(true);

  // What was acknowledged is there, and counted once, although a client that heard nothing sends it again.
  expect((await get(again.url, `/v1/decisions/${decisionId}`)).body).toMatchObject({ id: decisionId });
  expect((await post(again.url, '/v1/decisions', request)).body).toMatchObject({ decisionId, slate });
  const repeated = await post(again.url, '/v1/events', accept);
  expect(repeated.status).toBe(202);
  const { token } = repeated.body.accepted[0];
  await post(again.url, '/v1/decisions', pickup('42', { after: token, deadlineMs: 10_000 }));
  const view = await get(again.url, '/v1/users/42');
  expect(view.body.counters).toMatchObject({ accepts: 1, decisions: 2 });
  await again.end('SIGTERM');
});

test('embedded servers that are killed are started again, and the engine goes on', async () => {
  const engine = await startEngineProcess({ settings: SETTINGS });
  await consent(engine.url, '7');
  const before = natsPid(engine);
  process.kill(before, 'SIGKILL');
  const personal = await eventually('a personal decision after the server came back', async () => {
    const { status, body } = await post(engine.url, '/v1/decisions', pickup('7'));
    return status === 200 && body.personalized === true ? body : undefined;
  });
  expect(personal.degraded).toEqual([]);
  expect(natsPid(engine)).not.toBe(before);
  await expect(engine.end('SIGTERM')).resolves.toEqual({ code: 0, signal: null });
});
