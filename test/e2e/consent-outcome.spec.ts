/** What whoever sends changes of consent is told, by REST and over NATS, while hosts come and go. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { get, post } from '../support/rest.js';
import { hostsOf, settled } from '../support/verify-load.js';

const PARTITIONS = 16;
const SETTINGS = { 'cluster.partitions': PARTITIONS, 'cluster.leaseTtlMs': 1500 };

let nats: TestNats;
let hosts: EngineProcess[];
let gateway: EngineProcess;
let app: NatsConnection;

beforeAll(async () => {
  nats = await startTestNats({ partitions: PARTITIONS });
  const startHost = () => startEngineProcess({ role: 'host', nats: nats.engine, settings: SETTINGS });
  hosts = [await startHost(), await startHost()];
  gateway = await startEngineProcess({ role: 'gateway', nats: nats.engine, settings: SETTINGS });
  app = await connect({ servers: nats.url, user: nats.app.user, pass: nats.app.pass });
  await settled(gateway.url, PARTITIONS, 2);
});

afterAll(async () => {
  await app?.close();
  await endEngineProcesses();
  await nats.dispose();
});

const change = (id: string, user: string, type: string, purposes?: string[], time?: string) => ({
  specversion: '1.0',
  id,
  source: 'test',
  type: `consent.${type}`,
  subject: `user/${user}`,
  ...(time === undefined ? {} : { time }),
  ...(purposes === undefined ? {} : { data: { purposes } }),
});
const say = async (...batch: object[]): Promise<unknown[]> => {
  const { status, body } = await post(gateway.url, '/v1/events', batch);
  expect({ status, rejected: body.rejected }).toEqual({ status: 202, rejected: [] });
  return body.accepted.map(({ consent }: any) => consent?.map((one: any) => `${one.purpose}: ${one.outcome}`));
};
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const ask = async (subject: string, body: unknown): Promise<any> =>
  (await app.request(subject, JSON.stringify(body), { timeout: 5_000 })).json();

test('the 202 says what became of each change, twice as once, in any order and among others', async () => {
  const grant = change('g', 'ada', 'granted', ['marketing'], ago(60_000));
  expect(await say(grant)).toEqual([['marketing: granted']]);
  expect(await say(grant)).toEqual([['marketing: granted']]);
  // A withdrawal, and a grant made after it on a clock that is slow by two seconds.
  const withdrawal = change('w', 'ada', 'withdrawn', undefined, ago(0));
  const late = change('l', 'ada', 'granted', ['marketing'], ago(2_000));
  const click = { ...change('c', 'ada', 'x'), type: 'pickup' };
  const other = change('o', 'bob', 'granted');
  expect(await say(withdrawal, click, late, other, grant)).toEqual([
    ['null: withdrawn'],
    undefined,
    ['marketing: not-newer'],
    ['personalization: granted'],
    ['marketing: not-newer'],
  ]);
  expect((await get(gateway.url, '/v1/users/ada')).body.consent.purposes).toEqual([]);
});

test('over NATS an app asks for it with what JetStream has acknowledged', async () => {
  const granted = await ask('attune.event.user.cleo.consent.granted', { purposes: ['ads'] });
  const asked = { after: granted, changes: [{ type: 'consent.granted', purposes: ['ads'], sequence: granted.seq }] };
  expect(await ask('attune.user.cleo.consent', asked)).toEqual({
    outcomes: [[{ purpose: 'ads', outcome: 'granted' }]],
  });
  const withdrawn = await ask('attune.event.user.cleo.consent.withdrawn', {});
  const after = { after: withdrawn, changes: [...asked.changes, { type: 'consent.withdrawn' }] };
  expect(await ask('attune.user.cleo.consent', after)).toEqual({
    outcomes: [[{ purpose: 'ads', outcome: 'not-newer' }], [{ purpose: null, outcome: 'withdrawn' }]],
  });
  const elsewhere = { ...after, after: { stream: 'ATTUNE_P999', seq: 1 } };
  expect(await ask('attune.user.cleo.consent', elsewhere)).toMatchObject({ error: { code: 'TOKEN_INVALID' } });
  const never = { after: { ...withdrawn, seq: 1e9 }, deadlineMs: 100, changes: [{ type: 'consent.granted' }] };
  expect(await ask('attune.user.cleo.consent', never)).toEqual({
    outcomes: [[{ purpose: 'personalization', outcome: 'pending' }]],
  });
});

test('while an owner dies, nobody is told what does not hold: it is granted, or pending', async () => {
  const users = Array.from({ length: 400 }, (_, i) => `u${i}`);
  const outcomes = new Map<string, string>();
  const batches = Array.from({ length: 20 }, (_, i) => users.slice(20 * i, 20 * (i + 1)));
  const saying = Promise.all(
    batches.map(async (batch, i) => {
      if (i === 2) await hosts[0]!.end('SIGKILL');
      const told = await say(...batch.map((user) => change(`d-${user}`, user, 'granted')));
      batch.forEach((user, k) => outcomes.set(user, (told[k] as string[])[0]!));
    }),
  );
  await saying;
  for (const outcome of outcomes.values())
    expect(['personalization: granted', 'personalization: pending']).toContain(outcome);
  await eventually('the other host has everything', async () => (await hostsOf(gateway.url)).length === 1);
  await settled(gateway.url, PARTITIONS, 1);
  // Said again, each is known to hold.
  for (const batch of batches) {
    const again = await say(...batch.map((user) => change(`d-${user}`, user, 'granted')));
    expect(again).toEqual(batch.map(() => ['personalization: granted']));
  }
});
