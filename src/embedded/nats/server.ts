/** Runs a nats-server of Attune's own: loopback, JetStream in the state directory, sharding and permissions set. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { EngineError } from '../../kernel/errors.js';
import { DEFAULT_APP } from '../../kernel/ids.js';
import { commandLine, endProcess, isAlive } from '../processes.js';
import { choosePort, prepareStateDir, randomSecret, remembered, writePrivate } from '../state-dir.js';
import { supervise } from '../supervised.js';
import { findNatsServer, isAtLeast, type NatsBinary } from './binary.js';
import { embeddedConfiguration, type AppGrant } from './configuration.js';
import { storeBytesMax } from './store-room.js';

export interface NatsOptions {
  readonly stateDir: string;
  readonly partitions: number;
  /** Each gets an account, a user and a password of its own. */
  readonly apps?: readonly AppGrant[] | undefined;
  /** Whether whoever connects without a name is the first app; nobody gets in without a name otherwise. */
  readonly isOpen?: boolean | undefined;
  /** 0 or left out: the port of the last start, or a free one. */
  readonly port?: number | undefined;
  /** Where JetStream keeps its files; inside the state directory if left out. */
  readonly storeDir?: string | undefined;
  /** `always` survives a power loss; nats-server 2.10 and later. */
  readonly syncInterval?: string | undefined;
  readonly say: (line: string) => void;
}

export interface RunningNats {
  readonly url: string;
  /** The engine's user; an app connects to the same URL as the user of its name. */
  readonly user: string;
  readonly password: string;
  readonly pid: number | undefined;
  readonly configFile: string;
  readonly logFile: string;
  /** Graceful: JetStream has written everything when it resolves. Idempotent. */
  stop(): Promise<void>;
  /** Same port, same data. Resolves when the server answers again. */
  restart(): Promise<void>;
}

/**
 * Starts the server and resolves when it answers. A server that an earlier, killed process left behind on this state
 * directory is stopped first. Rejects with Configuration `NATS_SERVER_MISSING`, `NATS_SYNC_UNSUPPORTED`,
 * `PORT_IN_USE` or `EMBEDDED_START_FAILED`.
 */
export async function startNats(options: NatsOptions): Promise<RunningNats> {
  const folder = join(await prepareStateDir(options.stateDir), 'nats');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const binary = await findNatsServer(join(folder, 'bin'), options.say);
  requireSync(binary, options.syncInterval);
  const configFile = join(folder, 'nats-server.conf');
  const pidFile = join(folder, 'nats-server.pid');
  await stopLeftover(pidFile, configFile, options.say);
  const port = await choosePort(options.port, join(folder, 'port'));
  // What apps and learners connect with is read from these files, which only their owner may read.
  const secret = (name: string): Promise<string> => remembered(join(folder, `${name}.password`), randomSecret);
  const passwords = {
    engine: await secret('engine'),
    learner: await secret('learner'),
    sys: await secret('sys'),
  };
  const apps = [];
  for (const app of options.apps ?? [{ name: DEFAULT_APP }])
    apps.push({ ...app, password: await secret(`app.${app.name}`) });
  const serverName = `attune-${await remembered(join(folder, 'name'), () => randomSecret().slice(0, 12))}`;
  const storeDir = options.storeDir === undefined ? join(folder, 'data') : resolve(options.storeDir);
  const { partitions, syncInterval } = options;
  const room = await storeBytesMax(storeDir);
  await writePrivate(
    configFile,
    embeddedConfiguration({
      serverName,
      port,
      partitions,
      storeDir,
      pidFile,
      passwords,
      apps,
      anonymousApp: options.isOpen === false ? undefined : apps[0]?.name,
      storeBytesMax: room,
      syncInterval,
    }),
  );
  const logFile = join(folder, 'nats-server.log');
  const server = await supervise({
    name: 'nats-server',
    command: binary.path,
    args: ['-c', configFile],
    logFile,
    stopSignal: 'TERM',
    isReady: () => greets(port, serverName),
    say: options.say,
  });
  return {
    url: `nats://127.0.0.1:${port}`,
    user: 'engine',
    password: passwords.engine,
    get pid() {
      return server.pid();
    },
    configFile,
    logFile,
    stop: async () => {
      await server.stop();
      await rm(pidFile, { force: true });
    },
    restart: () => server.restart(),
  };
}

function requireSync(binary: NatsBinary, syncInterval: string | undefined): void {
  if (syncInterval === undefined || isAtLeast(binary.version, [2, 10, 0])) return;
  throw new EngineError(
    'Configuration',
    'NATS_SYNC_UNSUPPORTED',
    `sync_interval needs nats-server 2.10; ${binary.path} is ${binary.version.join('.')}.`,
    { field: 'nats.syncInterval' },
  );
}

async function stopLeftover(pidFile: string, configFile: string, say: (line: string) => void): Promise<void> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return;
  // The pid may belong to somebody else by now; our server has our configuration file on its command line.
  if (!(await commandLine(pid)).includes(configFile)) return;
  say(`stopping the nats-server that an earlier run left behind (pid ${pid})`);
  await endProcess(pid, 'SIGTERM', 20_000);
}

/** Whether the server of that name sends its INFO line on the port: it does so once JetStream has recovered. */
function greets(port: number, serverName: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let heard = '';
    const finish = (isOurs: boolean): void => {
      socket.destroy();
      resolve(isOurs);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.includes('\r\n')) finish(heard.includes(`"server_name":"${serverName}"`));
    });
  });
}
