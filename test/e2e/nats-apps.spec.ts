/** What any NATS client can do, with an app's credentials, against a whole engine; and what it cannot. */
import { connect, PermissionViolationError, type NatsConnection } from '@nats-io/transport-node';
import { latLngToCell } from 'h3-js';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeToken } from '../../src/kernel/ids.js';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { get } from '../support/rest.js';

const SETTINGS = { 'cluster.partitions': 4, 'cluster.leaseTtlMs': 1500 };
const PLACE = { lat: 40.75, lng: -73.98 };

let nats: TestNats;
let engine: EngineProcess;
let app: NatsConnection;

beforeAll(async () => {
  nats = await startTestNats({ partitions: 4 });
  engine = await startEngineProcess({
    nats: nats.engine,
    databaseUrl: 'postgresql://nobody@127.0.0.1:1/none',
    settings: SETTINGS,
  });
  app = await connect({ servers: nats.url, user: nats.app.user, pass: nats.app.pass });
});

afterAll(async () => {
  await app?.close();
  await endEngineProcesses();
  await nats.dispose();
});

const ask = async (subject: string, body: unknown): Promise<any> =>
  (await app.request(subject, JSON.stringify(body), { timeout: 5_000 })).json();

const tell = async (subject: string, body: unknown): Promise<any> => ask(subject, body);

const REQUEST = {
  surface: 'rider.pickup',
  context: PLACE,
  candidates: [
    { id: 'door-a', features: { distanceM: 40 } },
    { id: 'door-b', features: { distanceM: 80 } },
  ],
  k: 1,
};

test('a decision is requested, an acceptance published, and the actor has folded it', async () => {
  await tell('attune.event.user.42.consent.granted', {});
  const decision = await eventually('a personal decision', async () => {
    const answer = await ask('attune.user.42.decide', REQUEST);
    return answer.personalized === true ? answer : undefined;
  });
  expect(decision).toMatchObject({ slate: [{ propensity: expect.any(Number) }], degraded: [] });
  // Fire and forget, as `nats pub` does it.
  app.publish('attune.event.user.42.accept', JSON.stringify({ decisionId: decision.decisionId }));
  await eventually('the acceptance is folded', async () => {
    const view = await ask('attune.user.42.view', {});
    return view.counters.accepts === 1;
  });
});

test('the state of zones is broadcast to whoever listens', async () => {
  const cell = latLngToCell(PLACE.lat, PLACE.lng, 8);
  const states: any[] = [];
  app.subscribe('attune.state.zone.>', {
    callback: (_, message) => void states.push({ subject: message.subject, ...message.json<any>() }),
  });
  await app.flush();
  app.publish('attune.event.user.42.pickup', JSON.stringify(PLACE));
  const state = await eventually('the zone has said that there was a pickup', () =>
    states.find((one) => one.cell === cell && one.pickupsTotal === 1),
  );
  expect(state.subject).toBe(`attune.state.zone.${cell}`);
  expect((await ask(`attune.zone.${cell}.view`, {})).pickupsTotal).toBe(1);
});

test.each(['a.b.c', 'with space', '*', '>', '🛺 tuk', 'ж', '=41', 'x'.repeat(256)])(
  'the id %j is addressed by its token, over NATS and over REST alike',
  async (id) => {
    const token = encodeToken(id);
    await tell(`attune.event.user.${token}.consent.granted`, {});
    await tell(`attune.event.user.${token}.trip.completed`, {});
    const over = await eventually('the trip is folded', async () => {
      const view = await ask(`attune.user.${token}.view`, {});
      return view.counters?.trips === 1 ? view : undefined;
    });
    const { status, body } = await get(engine.url, `/v1/users/${encodeURIComponent(id)}`);
    expect({ status, body }).toMatchObject({ status: 200, body: { token, counters: over.counters } });
  },
);

test.each([
  ['an unknown surface', 'attune.user.42.decide', { ...REQUEST, surface: 'nowhere' }, 'UNKNOWN_SURFACE', 'surface'],
  ['a missing field', 'attune.user.42.decide', { candidates: [] }, 'INVALID_REQUEST', 'surface'],
  ['an id that is no token', 'attune.user.=4.decide', REQUEST, 'ID_INVALID', 'id'],
  ['an unknown verb', 'attune.user.42.dance', {}, 'UNKNOWN_VERB', undefined],
])('%s is answered with an error', async (_, subject, body, code, field) => {
  const { error } = await ask(subject, body);
  expect(error).toMatchObject({ code, ...(field === undefined ? {} : { field }) });
  expect(JSON.stringify(error)).not.toContain(' at ');
});

test.each([
  'attune.p.0.decision.app.user.42',
  'attune.p.0.control.engine.barrier',
  'attune.p.0.req.app.user.42.decide',
  '$JS.API.STREAM.DELETE.ATTUNE_P0',
  '$KV.ATTUNE_LEASES.p.0',
])('an app cannot publish %s', async (subject) => {
  const violations: string[] = [];
  const watch = (async () => {
    for await (const status of app.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        violations.push(status.error.subject);
    }
  })();
  app.publish(subject, '{}');
  await app.flush();
  await eventually('the server says no', () => violations.includes(subject));
  void watch;
  expect((await get(engine.url, '/health/ready')).status).toBe(200);
});
