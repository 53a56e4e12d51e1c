import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { removeState, startEmbedded, type EmbeddedOptions, type EmbeddedServers } from '../../src/embedded/embedded.js';
import { startNats } from '../../src/embedded/nats/server.js';
import { findNatsServer } from '../../src/embedded/nats/binary.js';
import { isAlive, pause, processIdentity } from '../../src/embedded/processes.js';
import { partitionOf } from '../../src/kernel/ids.js';

const root = mkdtempSync(join(tmpdir(), 'attune-embedded-'));
chmodSync(root, 0o711);
const stateDir = join(root, 'state');
const said: string[] = [];
const running: { stop(): Promise<void> }[] = [];

const start = async (more: Partial<EmbeddedOptions> = {}): Promise<EmbeddedServers> => {
  const servers = await startEmbedded({ stateDir, partitions: 16, say: (line) => void said.push(line), ...more });
  running.push(servers);
  return servers;
};

const asEngine = (nats: EmbeddedServers['nats']): Promise<NatsConnection> =>
  connect({ servers: nats.url, user: nats.user!, pass: nats.password! });

async function sql(url: string, query: string): Promise<Record<string, unknown>[]> {
  const orm = await MikroORM.init({ clientUrl: url, entities: [], discovery: { warnWhenNoEntities: false } });
  try {
    return await orm.em.getConnection().execute(query);
  } finally {
    await orm.close(true);
  }
}

/** Resolves once `ready` does to true; the test's own time limit ends the wait. */
async function until(ready: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await ready())) await pause(20);
}

/** A server that nobody in this process looks after: what a killed process leaves behind. */
async function leaveBehind(pid: number, uid: number): Promise<() => number> {
  const [command, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  const runner = uid === process.getuid!() ? {} : { uid, gid: uid };
  return () => {
    const child = spawn(command!, args, { detached: true, stdio: 'ignore', cwd: '/', ...runner });
    child.unref();
    return child.pid!;
  };
}

beforeEach(() => void (said.length = 0));
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});
afterAll(async () => {
  await removeState(stateDir);
  rmSync(root, { recursive: true });
});

describe('the embedded servers', () => {
  test('keep data, ports and passwords over stop, restart and a second start', async () => {
    const first = await start();
    const nc = await asEngine(first.nats);
    await (await jetstreamManager(nc)).streams.add({ name: 'KEPT', subjects: ['kept.>'] });
    await jetstream(nc).publish('kept.one', 'x');
    await nc.close();
    await sql(first.postgres!.url, 'create table kept as select 42 as answer');
    const pids = [first.nats.pid!, first.postgres!.pid!];
    await Promise.all([first.nats.restart(), first.postgres!.restart()]);
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
    expect(await sql(first.postgres!.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    const later = [first.nats.pid!, first.postgres!.pid!];
    await first.stop();
    for (const pid of later) expect(isAlive(pid)).toBe(false);

    const second = await start();
    expect([second.nats.url, second.nats.password]).toEqual([first.nats.url, first.nats.password]);
    expect(second.postgres!.url).toBe(first.postgres!.url);
    expect(await sql(second.postgres!.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    const again = await asEngine(second.nats);
    expect((await (await jetstreamManager(again)).streams.info('KEPT')).state.messages).toBe(1);
    await again.close();
  });

  test('let nobody into PostgreSQL without its password, and keep secrets to the owner', async () => {
    const { postgres } = await start();
    expect(
      await sql(
        postgres!.url,
        `select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as strong,
          (select datdba = pg_roles.oid from pg_database where datname = current_database()) as owner
         from pg_roles where rolname = current_user`,
      ),
    ).toEqual([{ strong: false, owner: true }]);
    await expect(sql(postgres!.url, `copy (select 1) to program 'true'`)).rejects.toThrow(/permission denied/);
    await expect(sql(postgres!.url.replace(/:[0-9a-f]{48}@/, ':wrong@'), 'select 1')).rejects.toThrow(/password/);
    for (const file of ['nats/nats-server.conf', 'nats/engine.password', 'postgres/password', 'lock'])
      expect(statSync(join(stateDir, file)).mode & 0o077).toBe(0);
  });

  test('come back by themselves when they are killed', async () => {
    const { nats, postgres } = await start();
    for (const server of [nats, postgres!]) {
      const killed = server.pid!;
      process.kill(killed, 'SIGKILL');
      await until(() => server.pid !== undefined && server.pid !== killed);
    }
    await until(() => sql(postgres!.url, 'select 1').then(Boolean, () => false));
    await (await asEngine(nats)).close();
  });

  test('replace what a killed process left running', async () => {
    const first = await start();
    const relaunchNats = await leaveBehind(first.nats.pid!, process.getuid!());
    const dataDir = (first.postgres as unknown as { dataDir: string }).dataDir;
    const relaunchPostgres = await leaveBehind(first.postgres!.pid!, statSync(dataDir).uid);
    await first.stop();
    const left = [relaunchNats(), relaunchPostgres()];
    await until(() =>
      asEngine(first.nats).then(
        (nc) => nc.close().then(() => true),
        () => false,
      ),
    );
    await until(() => sql(first.postgres!.url, 'select 1').then(Boolean, () => false));
    const second = await start();
    for (const pid of left) expect(await processIdentity(pid)).toBe('');
    expect(said.filter((line) => line.includes('left behind'))).toHaveLength(2);
    expect(second.nats.url).toBe(first.nats.url);
    await sql(second.postgres!.url, 'select 1');
  });

  test('share a state directory with nobody', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({
      code: 'STATE_DIR_IN_USE',
      message: expect.stringContaining(`process ${process.pid}`),
    });
  });

  test('take over the lock of a dead process, also where its pid is in use again', async () => {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(join(stateDir, 'lock'), JSON.stringify({ pid: process.pid, identity: 'of an earlier process' }));
    await start({ postgres: 'off' });
  });

  test('stop the one when the other fails, and give the directory back', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await until(() => taken.listening);
    const { port } = taken.address() as AddressInfo;
    await expect(start({ postgres: { port } })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    taken.close();
    expect(() => readFileSync(join(stateDir, 'nats', 'nats-server.pid'))).toThrow(/ENOENT/);
    await start({ postgres: 'off' });
  });

  test('are not started where URLs are given', async () => {
    const servers = await start({ nats: { url: 'nats://elsewhere' }, postgres: { url: 'postgresql://elsewhere' } });
    expect([servers.nats.isOurs, servers.postgres!.isOurs, servers.nats.pid]).toEqual([false, false, undefined]);
  });

  test('refuse sync_interval on a server that would not know it, and take it on one that does', async () => {
    const { version } = await findNatsServer(join(root, 'bin'), () => undefined);
    const starting = startNats({ stateDir, partitions: 16, syncInterval: 'always', say: () => undefined });
    if (version[0] === 2 && version[1] < 10) {
      await expect(starting).rejects.toMatchObject({ code: 'NATS_SYNC_UNSUPPORTED' });
    } else {
      running.push(await starting);
    }
  });
});

test('where there are keys nobody gets in without a name, and no app hears or speaks as another', async () => {
  const { nats, stateDir } = await start({
    postgres: 'off',
    apps: [{ name: 'rider' }, { name: 'driver' }],
    isOpen: false,
  });
  await expect(connect({ servers: nats.url })).rejects.toThrow(/authorization/i);
  const file = (name: string): string => join(stateDir, 'nats', `app.${name}.password`);
  const open = (name: string): Promise<NatsConnection> => {
    expect(statSync(file(name)).mode & 0o777).toBe(0o600);
    return connect({
      servers: nats.url,
      user: name,
      pass: readFileSync(file(name), 'utf8').trim(),
      inboxPrefix: `_INBOX_${name}`,
    });
  };
  const [rider, driver, engine] = await Promise.all([
    open('rider'),
    open('driver'),
    connect({ servers: nats.url, user: nats.user!, pass: nats.password! }),
  ]);
  try {
    const heard: string[] = [];
    engine.subscribe('attune.p.>', {
      callback: (_, message) => {
        heard.push(message.subject);
        message.respond('answered');
      },
    });
    await engine.flush();
    const overheard: string[] = [];
    for (const inboxes of ['_INBOX.>', '_INBOX_driver.>'])
      driver.subscribe(inboxes, { callback: (error, message) => void (error || overheard.push(message.subject)) });
    await driver.flush();
    await rider.request('attune.user.42.decide', '{}');
    await driver.request('attune.user.42.decide', '{}');
    const partition = partitionOf('42', 16);
    expect(heard).toEqual(['rider', 'driver'].map((app) => `attune.p.${partition}.req.${app}.user.42.decide`));
    // Its own answer alone: the rider's came before it.
    expect(overheard).toHaveLength(1);
  } finally {
    await Promise.all([rider.close(), driver.close(), engine.close()]);
  }
  expect(readFileSync(join(stateDir, 'nats', 'nats-server.log'), 'utf8')).not.toContain(
    readFileSync(file('rider'), 'utf8').trim(),
  );
});

interface Site {
  readonly url: string;
  readonly engine: { readonly user: string; readonly pass: string };
  readonly app: { readonly user: string; readonly pass: string } | undefined;
}

/** A server that an operator made from the files in config/nats/. */
async function templateServer(): Promise<Site> {
  const folder = join(root, 'template');
  mkdirSync(folder, { recursive: true });
  const probe = createServer().listen(0, '127.0.0.1');
  await until(() => probe.listening);
  const { port } = probe.address() as AddressInfo;
  probe.close();
  for (const name of ['mappings', 'exports', 'apps', 'learners'])
    writeFileSync(join(folder, `${name}.conf`), readFileSync(resolve(`config/nats/${name}.conf`)));
  const whole = readFileSync(resolve('config/nats/nats-server.conf'), 'utf8');
  const adapted = whole.replace('4222', String(port));
  writeFileSync(join(folder, 'nats-server.conf'), adapted);
  const binary = await findNatsServer(join(root, 'bin'), () => undefined);
  const passwords = {
    ATTUNE_ENGINE_PASSWORD: 'e-word',
    ATTUNE_APP_PASSWORD: 'a-word',
    ATTUNE_SYS_PASSWORD: 's-word',
    ATTUNE_NATS_STORE: join(folder, 'data'),
  };
  const child = spawn(binary.path, ['-c', join(folder, 'nats-server.conf')], { stdio: 'ignore', env: passwords });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  running.push({ stop: () => (child.kill('SIGTERM'), ended) });
  const url = `nats://127.0.0.1:${port}`;
  const engine = { user: 'engine', pass: 'e-word' };
  await until(() =>
    connect({ servers: url, ...engine }).then(
      (nc) => nc.close().then(() => true),
      () => false,
    ),
  );
  return { url, engine, app: { user: 'app', pass: 'a-word' } };
}

async function embeddedServer(): Promise<Site> {
  const { nats } = await start({ postgres: 'off' });
  return { url: nats.url, engine: { user: nats.user!, pass: nats.password! }, app: undefined };
}

describe.each([
  ['the embedded server', embeddedServer],
  ['a server made from config/nats/', templateServer],
])('permissions of %s', (_, site) => {
  let engine: NatsConnection;
  let app: NatsConnection;
  const heard: string[] = [];
  const violations: string[] = [];

  const open = async (): Promise<void> => {
    const { url, engine: engineUser, app: appUser } = await site();
    engine = await connect({ servers: url, ...engineUser });
    app = await connect({ servers: url, ...appUser });
    engine.subscribe('attune.>', {
      callback: (_error, message) => {
        heard.push(message.subject);
        if (message.subject.includes('.req.')) message.respond('answered');
      },
    });
    await engine.flush();
    void (async () => {
      for await (const status of app.status()) if (status.type === 'error') violations.push(String(status.error));
    })();
  };

  beforeEach(async () => {
    heard.length = violations.length = 0;
    await open();
  });
  afterEach(async () => {
    await Promise.all([app.close(), engine.close()]);
  });

  test('an app reaches actors through the mappings, and its events are stored and acknowledged', async () => {
    const partition = partitionOf('42', 16);
    const jsm = await jetstreamManager(engine);
    await jsm.streams.add({ name: 'EVENTS', subjects: [`attune.p.${partition}.event.*.>`] });
    const answer = await app.request('attune.user.42.decide', '{}');
    expect(answer.string()).toBe('answered');
    const ack = await app.request('attune.event.user.42.trip.completed', '{}');
    expect(ack.json()).toMatchObject({ stream: 'EVENTS', seq: 1 });
    expect((await jsm.streams.info('EVENTS')).state.messages).toBe(1);
    expect(heard).toContain(`attune.p.${partition}.req.app.user.42.decide`);
    expect(heard).toContain(`attune.p.${partition}.event.app.user.42.trip.completed`);
    await jsm.streams.delete('EVENTS');
  });

  test('the engine reaches actors through the same mappings and may publish under attune.p', async () => {
    expect((await engine.request('attune.zone.88.facts', '{}')).string()).toBe('answered');
    engine.publish('attune.p.3.decision.app.user.42', '{}');
    await engine.flush();
    expect(heard).toContain(`attune.p.${partitionOf('88', 16)}.req.engine.zone.88.facts`);
    expect(heard).toContain('attune.p.3.decision.app.user.42');
  });

  test.each(['attune.p.3.event.app.user.42.accept', '$JS.API.INFO', '$KV.ATTUNE_LEASES.p0', '$O.ATTUNE_ARTIFACTS.C.x'])(
    'an app cannot publish %s',
    async (subject) => {
      app.publish(subject, '{}');
      await app.flush();
      await until(() => violations.length > 0);
      expect(violations[0]).toContain(subject);
      await engine.flush();
      expect(heard).toEqual([]);
    },
  );

  test('an app may listen to state, and publishes none; experience it neither hears nor publishes', async () => {
    const listened: string[] = [];
    const callback = (error: unknown, message: { subject: string }): void => {
      // It is told of the refused subscription, too.
      if (!error) listened.push(message.subject);
    };
    app.subscribe('attune.state.>', { callback });
    const experience = app.subscribe('attune.experience.>', { callback });
    await expect(experience.closed).resolves.toMatchObject({ message: expect.stringContaining('attune.experience.>') });
    app.publish('attune.state.zone.88', '{}');
    app.publish('attune.experience.rider.pickup', '{}');
    await app.flush();
    await until(() => violations.filter((one) => one.includes('Publish')).length === 2);
    engine.publish('attune.experience.rider.pickup', '{}');
    engine.publish('attune.state.zone.88', '{}');
    await engine.flush();
    await until(() => listened.length > 0);
    expect(heard).toEqual(['attune.experience.rider.pickup', 'attune.state.zone.88']);
    expect(listened).toEqual(['attune.state.zone.88']);
  });

  test("an app cannot listen to journals, nor hear the engine's replies on the inboxes it may listen to", async () => {
    const overheard: string[] = [];
    app.subscribe('_INBOX.>', { callback: (_error, message) => void overheard.push(message.subject) });
    const journals = app.subscribe('attune.p.>', { callback: () => undefined });
    await expect(journals.closed).resolves.toMatchObject({ message: expect.stringContaining('attune.p.>') });
    await app.flush();
    await engine.request('attune.user.42.decide', '{}');
    await app.request('attune.user.42.decide', '{}');
    await app.flush();
    // The app's own reply comes to both of its subscriptions, and after the engine's would have.
    expect(overheard).toHaveLength(1);
  });
});
