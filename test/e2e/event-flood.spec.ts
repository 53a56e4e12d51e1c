/**
 * One app floods the journals over NATS with one event each of ever new users; another app's decisions stay personal, within
 * their deadlines, whether or not the flood is left out.
 */
import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, expect, test } from '@jest/globals';
import { decodePosition } from '../../src/messages/tokens.js';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post } from '../support/rest.js';

const PARTITIONS = 2;
const SETTINGS = {
  'cluster.partitions': PARTITIONS,
  apps: [{ name: 'app' }, { name: 'flood' }],
  'storage.facts': 'none',
};
const USERS = ['a', 'b', 'c', 'd'];
const GROUP = 500;
const FLOOD_MAX = 100_000;
/** All of them are waiting when they have been sent: one process folds a few thousand a second. */
const PILE = 20_000;
/** Longer than anything takes: how long it takes is the bench's to tell. */
const DEADLINE_MS = 10_000;
/** The flood goes on for so many events after it was left out everywhere. */
const FLOOD_ON = 5_000;
const VIEW_EVERY = 25;

let nats: TestNats;
let engine: EngineProcess;
let flooder: NatsConnection;

async function start(settings: Readonly<Record<string, unknown>>): Promise<void> {
  nats = await startTestNats({ partitions: PARTITIONS, apps: ['app', 'flood', 'stranger'] });
  engine = await startEngineProcess({
    nats: nats.engine,
    databaseUrl: 'postgresql://nobody@127.0.0.1:1/none',
    settings,
  });
  flooder = await connect({ servers: nats.url, user: 'flood', pass: 'flood' });
  for (const user of USERS) await consent(engine.url, user);
  for (const user of USERS) {
    await eventually('a personal decision', async () => {
      return (await post(engine.url, '/v1/decisions', pickup(user))).body.personalized === true;
    });
  }
}

afterEach(async () => {
  await flooder?.close();
  await endEngineProcesses();
  await nats?.dispose();
});

const partitions = async (): Promise<any[]> => (await get(engine.url, '/v1/status')).body.hosts[0].partitions;

const wasLeftOut = (): boolean => {
  const said = engine.log.filter(({ leftOut }) => Array.isArray(leftOut) && leftOut.includes('flood'));
  return new Set(said.map(({ partition }) => partition)).size === PARTITIONS;
};

const hasAck = (payload: { json(): unknown }): boolean => (payload.json() as { error?: unknown }).error === undefined;

/** Users whose only event was acknowledged, and how many were sent. */
async function flood(max = FLOOD_MAX): Promise<{ readonly acknowledged: readonly string[]; readonly sent: number }> {
  const inbox = createInbox();
  const acknowledged: string[] = [];
  flooder.subscribe(`${inbox}.*`, {
    callback: (_, message) => {
      if (hasAck(message)) acknowledged.push(message.subject.slice(inbox.length + 1));
    },
  });
  let sent = 0;
  for (let until = max; sent < until;) {
    for (let i = 0; i < GROUP; i++) {
      const user = `new-${sent++}`;
      flooder.publish(`attune.event.user.${user}.consent.granted`, '{}', { reply: `${inbox}.${user}` });
    }
    await flooder.flush();
    if (until === max && wasLeftOut()) until = sent + FLOOD_ON;
  }
  return { acknowledged, sent };
}

test('events of the app that floods are left out while they pile up; others are served, and nothing acknowledged is lost', async () => {
  await start(SETTINGS);
  let isOver = false;
  const flooding = flood().finally(() => (isOver = true));
  const answers: unknown[] = [];
  let trips = 0;
  while (!isOver) {
    const user = USERS[answers.length % USERS.length]!;
    const trip = cloudEvent({ id: `trip-${++trips}`, type: 'trip.completed', subject: `user/${user}` });
    expect((await post(engine.url, '/v1/events', trip)).status).toBe(202);
    const { status, body } = await post(engine.url, '/v1/decisions', pickup(user, { deadlineMs: DEADLINE_MS }));
    answers.push({ status, personalized: body.personalized, degraded: body.degraded });
  }
  const { acknowledged, sent } = await flooding;
  expect(answers).toEqual(answers.map(() => ({ status: 200, personalized: true, degraded: [] })));
  expect(wasLeftOut()).toBe(true);
  expect(acknowledged.length).toBeLessThan(sent);

  await eventually('its events are taken again everywhere', async () => {
    return (await partitions()).every(({ lag, room }) => lag === 0 && room.leftOut.length === 0);
  });
  await flooder.request('attune.event.user.late.consent.granted', '{}', { timeout: 10_000 }).then((ack) => {
    expect(hasAck(ack)).toBe(true);
  });
  await eventually('everything acknowledged is folded, and nothing else', async () => {
    const events = (await partitions()).reduce((sum: number, { counters }) => sum + counters.events, 0);
    return events === USERS.length + trips + acknowledged.length + 1;
  });
  for (const user of acknowledged.filter((_, i) => i % VIEW_EVERY === 0)) {
    const view = (await flooder.request(`attune.user.${user}.view`, '{}', { timeout: 10_000 })).json<any>();
    expect([user, view.consent?.mode]).toEqual([user, 'granted']);
  }
});

test('what of one app is piled up before the fold does not make others wait: they are answered before it is folded', async () => {
  await start({
    ...SETTINGS,
    apps: [{ name: 'app' }, { name: 'flood', eventsWaitingMax: 0, eventBytesWaitingMax: 0 }],
  });
  const { acknowledged, sent } = await flood(PILE);
  await eventually('all of it stands in the journals', () => acknowledged.length === sent);
  const lagOf = async (): Promise<number> => Math.max(...(await partitions()).map(({ lag }) => lag as number));
  const answers: unknown[] = [];
  let trips = 0;
  let ahead = 0;
  while ((await lagOf()) > PILE / 20) {
    for (const user of USERS) {
      const trip = cloudEvent({ id: `trip-${++trips}`, type: 'trip.completed', subject: `user/${user}` });
      expect((await post(engine.url, '/v1/events', trip)).status).toBe(202);
      const { status, body } = await post(engine.url, '/v1/decisions', pickup(user, { deadlineMs: DEADLINE_MS }));
      answers.push({ status, personalized: body.personalized, degraded: body.degraded });
      const { partition, sequence } = decodePosition(body.token);
      const owner = (await partitions()).find((one) => one.partition === partition);
      // Read after the answer: the fold only goes on.
      if (owner.sequence < sequence) ahead++;
    }
  }
  expect(ahead).toBeGreaterThan(0);
  expect(answers.length).toBeGreaterThan(0);
  expect(answers).toEqual(answers.map(() => ({ status: 200, personalized: true, degraded: [] })));
  await eventually('everything is folded', async () => {
    const events = (await partitions()).reduce((sum: number, { counters }) => sum + counters.events, 0);
    return events === USERS.length + trips + acknowledged.length;
  });
});

test('an app that NATS knows and the configuration does not is refused', async () => {
  await start(SETTINGS);
  const stranger = await connect({ servers: nats.url, user: 'stranger', pass: 'stranger' });
  try {
    for (const verb of ['view', 'decide']) {
      const { error } = (await stranger.request(`attune.user.a.${verb}`, '{}', { timeout: 10_000 })).json<any>();
      expect(error).toMatchObject({ family: 'Forbidden', code: 'APP_UNKNOWN', field: 'app' });
    }
  } finally {
    await stranger.close();
  }
});
