/** More than the engine can take: bounded queues, a clear answer, and nothing left over afterwards. */
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endEngineProcesses, startEngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post, rest, type RestAnswer } from '../support/rest.js';

const ACTOR_MAX = 3;
const PARTITION_MAX = 12;
const SETTINGS = {
  'cluster.partitions': 1,
  'cluster.leaseTtlMs': 1500,
  'limits.mailboxMax': ACTOR_MAX,
  'limits.pendingAppendsMax': PARTITION_MAX,
};

let nats: TestNats;

beforeAll(async () => {
  nats = await startTestNats({ partitions: 1 });
  await startEngineProcess({ role: 'host', nats: nats.engine, settings: SETTINGS });
});

afterAll(async () => {
  await endEngineProcesses();
  await nats.dispose();
});

test('requests over the limits of an actor and of a partition are refused with when to come back, and then all is well', async () => {
  const gateway = await startEngineProcess({ role: 'gateway', nats: nats.engine, settings: SETTINGS });
  const users = Array.from({ length: 40 }, (_, i) => `user-${i}`);
  for (const user of users) await consent(gateway.url, user);

  const flood = [...users, ...Array<string>(80).fill('user-0')].map((user) =>
    post(gateway.url, '/v1/decisions', pickup(user, { deadlineMs: 5_000 })),
  );
  const depths: number[] = [];
  let done = false;
  const watch = (async () => {
    while (!done) {
      const { body } = await get(gateway.url, '/v1/status');
      depths.push(body.hosts[0]?.partitions?.[0]?.requests ?? 0);
    }
  })();
  const answers = await Promise.all(flood);
  done = true;
  await watch;

  const withStatus = (wanted: number): RestAnswer[] => answers.filter(({ status }) => status === wanted);
  expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([200, 429]);
  for (const { headers, body } of withStatus(429)) {
    expect(body).toMatchObject({ code: 'OVERLOADED', field: null });
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect(Math.max(...depths)).toBeLessThanOrEqual(PARTITION_MAX);

  // Refused means not done: what counts is what was answered.
  const answered = withStatus(200).map(({ body }) => body.decisionId.split('.')[2] as string);
  for (const user of users) {
    const again = await post(gateway.url, '/v1/decisions', pickup(user));
    expect(again).toMatchObject({ status: 200, body: { personalized: true, degraded: [] } });
    const { counters } = (await get(gateway.url, `/v1/users/${user}`)).body;
    expect({ user, ...counters }).toMatchObject({ user, decisions: answered.filter((u) => u === user).length + 1 });
  }
  const [host] = (await get(gateway.url, '/v1/status')).body.hosts;
  expect(host.partitions[0]).toMatchObject({ requests: 0, recordsInFlight: 0 });
  await gateway.end('SIGTERM');
});

test('over NATS the same limits are answered as errors', async () => {
  const app = await connect({ servers: nats.url, user: nats.app.user, pass: nats.app.pass });
  try {
    const request = JSON.stringify({ ...pickup('user-1'), subject: undefined });
    const replies = await Promise.all(
      Array.from({ length: 100 }, async () => (await app.request('attune.user.user-1.decide', request)).json<any>()),
    );
    const refused = replies.flatMap(({ error }) => (error ? [error] : []));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(replies.length);
    for (const error of refused) {
      expect(error).toMatchObject({ family: 'Overloaded', code: 'OVERLOADED', retryAfterMs: expect.any(Number) });
    }
    const after = (await app.request('attune.user.user-1.decide', request)).json<any>();
    expect(after).toMatchObject({ personalized: true });
  } finally {
    await app.close();
  }
});

test('a caller and a user have their shares; the next second is theirs again', async () => {
  const settings = { ...SETTINGS, 'rateLimit.perKey': 60, 'rateLimit.perUser': 5 };
  const gateway = await startEngineProcess({ role: 'gateway', nats: nats.engine, settings });
  const isLimited = ({ status, headers, body }: RestAnswer): boolean =>
    status === 429 && body.code === 'RATE_LIMITED' && Number(headers.get('retry-after')) >= 1;

  const ofOne = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      post(gateway.url, '/v1/events', cloudEvent({ id: `e${i}`, type: 'login', subject: 'user/one' })),
    ),
  );
  expect(ofOne.filter(isLimited).length).toBeGreaterThan(0);
  expect(ofOne.filter(({ status }) => status === 202).length).toBeGreaterThan(0);

  const ofMany = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      post(gateway.url, '/v1/events', cloudEvent({ id: 'e', type: 'login', subject: `user/many-${i}` })),
    ),
  );
  expect(ofMany.filter(isLimited).length).toBeGreaterThan(0);
  // A batch takes the good parts: those of a user within its share.
  await eventually('the share is back', async () => {
    const batch = Array.from({ length: 10 }, (_, i) =>
      cloudEvent({ id: `b${i}`, type: 'login', subject: i < 9 ? 'user/two' : 'user/three' }),
    );
    const { status, body } = await rest(gateway.url, 'POST', '/v1/events', batch);
    if (status !== 202) return false;
    expect(body.rejected.length).toBeGreaterThanOrEqual(4);
    expect(new Set(body.rejected.map(({ code }: { code: string }) => code))).toEqual(new Set(['RATE_LIMITED']));
    return (body.accepted as { id: string }[]).some(({ id }) => id === 'b9');
  });
  await gateway.end('SIGTERM');
});
