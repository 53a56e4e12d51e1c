/** What an app may do over NATS is what its scopes say: proven on a real server, for every verb. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NATS_SCOPES, type NatsScope } from '../../src/kernel/scopes.js';
import { startTestNats, type TestNats } from '../support/nats.js';

const heard: string[] = [];
let nats: TestNats;
let engine: NatsConnection;
const apps = new Map<string, NatsConnection>();

beforeAll(async () => {
  const own = NATS_SCOPES.map((scope) => ({ name: `only-${scope}`, scopes: [scope] }));
  nats = await startTestNats({ partitions: 1, apps: ['app', ...own] });
  engine = await connect({ servers: nats.url, user: 'engine', pass: 'engine' });
  engine.subscribe('attune.p.0.>', {
    callback: (_error, message) => {
      heard.push(message.subject);
      message.respond('{}');
    },
  });
  engine.subscribe('attune.learner.*.view', { callback: (_error, message) => void message.respond('{}') });
  await engine.flush();
  for (const name of ['app', ...own.map((app) => app.name)]) {
    const connection = await connect({ servers: nats.url, user: name, pass: name });
    apps.set(name, connection);
    // What is not permitted is said on the status stream as well; the request's own outcome is what counts here.
    void (async () => {
      for await (const _status of connection.status());
    })();
  }
});

afterAll(async () => {
  for (const connection of [...apps.values(), engine]) await connection?.close();
  await nats?.dispose();
});

/** Whether it arrived. Refused at once or not carried anywhere: both are no. */
async function mayAsk(app: string, subject: string): Promise<boolean> {
  try {
    await apps.get(app)!.request(subject, '{}', { timeout: 10_000 });
    return true;
  } catch (error) {
    expect((error as Error).name).toMatch(/NoResponders|PermissionViolation|RequestError/);
    return false;
  }
}

const TABLE: readonly (readonly [subject: string, scopes: readonly NatsScope[]])[] = [
  ['attune.user.42.decide', ['decide']],
  ['attune.user.42.decision', ['read']],
  ['attune.user.42.view', ['read']],
  ['attune.zone.882a100d67fffff.view', ['read']],
  ['attune.campaign.rain.view', ['read', 'campaigns']],
  ['attune.campaign.rain.command', ['campaigns']],
  ['attune.event.user.42.accept', ['events']],
  ['attune.learner.pickup.view', ['read']],
  ['attune.p.0.req.app.user.42.view', []],
  ['attune.app.app.user.42.view', []],
];

describe('scopes over NATS', () => {
  it.each(TABLE)('%s is open to %j', async (subject, scopes) => {
    const opened: NatsScope[] = [];
    for (const scope of NATS_SCOPES) {
      heard.length = 0;
      if (await mayAsk(`only-${scope}`, subject)) opened.push(scope);
      // The app's name is in what the engine hears.
      for (const arrived of heard) expect(arrived).toContain(`.only-${scope}.`);
    }
    expect(opened.sort()).toEqual([...scopes].sort());
  });

  it('are decide, events and read where nothing is said', async () => {
    const opened: string[] = [];
    for (const [subject] of TABLE) if (await mayAsk('app', subject)) opened.push(subject);
    const usual = TABLE.filter(([, scopes]) => scopes.some((scope) => ['decide', 'events', 'read'].includes(scope)));
    expect(opened).toEqual(usual.map(([subject]) => subject));
  });
});
