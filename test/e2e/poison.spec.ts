/** Records that nobody can fold stand in a journal: they are judged once, set aside, shown, and can be tried again. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { partitionOf } from '../../src/kernel/ids.js';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post } from '../support/rest.js';
import { hostsOf } from '../support/verify-load.js';

const PARTITIONS = 2;
// Checkpoints come seldom, so that the restarted host replays the poison too.
const SETTINGS = {
  'cluster.partitions': PARTITIONS,
  'cluster.leaseTtlMs': 1500,
  'limits.checkpointIntervalMs': 3_600_000,
  'limits.poisonShareMax': 0.004,
};
const PARTITION = partitionOf('42', PARTITIONS);

let nats: TestNats;
let gateway: EngineProcess;
let host: EngineProcess;
let engine: NatsConnection;

const startHost = (): Promise<EngineProcess> =>
  startEngineProcess({ role: 'host', nats: nats.engine, settings: SETTINGS });

beforeAll(async () => {
  nats = await startTestNats({ partitions: PARTITIONS });
  host = await startHost();
  gateway = await startEngineProcess({ role: 'gateway', nats: nats.engine, settings: SETTINGS });
  engine = await connect({ servers: nats.url, user: nats.engine.user, pass: nats.engine.pass });
});

afterAll(async () => {
  await engine?.close();
  await endEngineProcesses();
  await nats.dispose();
});

/** Writes into the journal past everything that would check it; the sequence it got. */
async function smuggle(name: string, payload: string): Promise<number> {
  const ack = (await engine.request(`attune.p.${PARTITION}.${name}`, payload)).json<{ seq: number }>();
  return ack.seq;
}

const partition = async () => {
  const found = (await hostsOf(gateway.url)).flatMap(({ partitions }) => partitions);
  return found.find((one) => one.partition === PARTITION);
};

const decides = async (): Promise<boolean> => {
  const { body } = await post(gateway.url, '/v1/decisions', pickup('42'));
  return body.personalized === true;
};

const letters = async (): Promise<any[]> => (await get(gateway.url, '/v1/deadletters?limit=50')).body.deadLetters;

test('a record that cannot be folded gets a verdict and a dead letter, the partition goes on, and a replay obeys', async () => {
  await consent(gateway.url, '42');
  const garbage = await smuggle('decision.app.user.42', 'no JSON at all');
  const noVersion = await smuggle('command.app.campaign.42', JSON.stringify({ term: [1, 0], key: 'k', body: {} }));
  await eventually('decisions go on', decides);

  const found = await eventually('two dead letters', async () => {
    const all = await letters();
    return all.length === 2 ? all : undefined;
  });
  expect(found.map(({ sequence, partition: of }) => [of, sequence]).sort()).toEqual([
    [PARTITION, garbage],
    [PARTITION, noVersion],
  ]);
  expect(found.find(({ sequence }) => sequence === garbage)).toMatchObject({
    subject: `attune.p.${PARTITION}.decision.app.user.42`,
    payload: Buffer.from('no JSON at all').toString('base64'),
    reason: expect.stringContaining('not a JSON object'),
  });
  expect((await partition())!.counters).toMatchObject({ poisoned: 2 });

  // Another start replays the same journal: it passes over the same records, and no letter is written twice.
  await host.end('SIGKILL');
  host = await startHost();
  await eventually('decisions go on after the replay', decides);
  const after = (await partition())!;
  expect(after.counters).toMatchObject({ poisoned: 2, folded: after.sequence });
  expect(await letters()).toHaveLength(2);

  // Tried again: readable or not, the answer is definite, and what is there is a new record.
  const redriven = await post(gateway.url, `/v1/deadletters/${PARTITION}/${garbage}/redrive`, {});
  expect(redriven).toMatchObject({
    status: 202,
    body: { token: expect.any(String), outcome: 'rejected', reason: expect.stringContaining('REDRIVE_UNREADABLE') },
  });
  const again = await eventually('the letter of the second try', async () => {
    const all = await letters();
    return all.length === 3 ? all[0] : undefined;
  });
  expect(again.sequence).toBeGreaterThan(noVersion);
  expect(again.reason).toContain('REDRIVE_UNREADABLE');
  expect(await decides()).toBe(true);
  const unknown = await post(gateway.url, `/v1/deadletters/${PARTITION}/1/redrive`, {});
  expect(unknown).toMatchObject({ status: 404, body: { code: 'DEAD_LETTER_UNKNOWN' } });
});

test('an event that makes no sense is set aside without stopping anything', async () => {
  const before = (await letters()).length;
  const sequence = await smuggle('event.app.user.42.accept', '[1, 2');
  const letter = await eventually(
    'its dead letter',
    async () => (await letters())[0]?.sequence === sequence && (await letters())[0],
  );
  expect(letter.reason).toContain('EVENT_MALFORMED');
  expect(await letters()).toHaveLength(before + 1);
  const accepted = await post(
    gateway.url,
    '/v1/events',
    cloudEvent({ id: 'ok', type: 'trip.completed', subject: 'user/42' }),
  );
  expect(accepted.status).toBe(202);
});

test('a partition with too much poison stops and says why, instead of draining', async () => {
  for (let i = 0; i < 6; i++) await smuggle('decision.app.user.42', `garbage ${i}`);
  const reason = await eventually('the partition is refused', async () => {
    const { body } = await get(gateway.url, '/v1/status');
    return (body.hosts as any[]).map(({ refused }) => refused?.[PARTITION] as string | undefined).find(Boolean);
  });
  expect(reason).toContain('POISON_SHARE');
  // Whose owner is out is answered around, and told so; others do not notice.
  const { status, body } = await post(gateway.url, '/v1/decisions', pickup('42', { deadlineMs: 300 }));
  expect({ status, body }).toMatchObject({ status: 200, body: { personalized: false, degraded: ['owner'] } });
  const other = Array.from({ length: 20 }, (_, i) => `other-${i}`).find(
    (id) => partitionOf(id, PARTITIONS) !== PARTITION,
  )!;
  await consent(gateway.url, other);
  await eventually('the other partition decides', async () => {
    const answer = await post(gateway.url, '/v1/decisions', pickup(other));
    return answer.body.personalized === true;
  });
});
