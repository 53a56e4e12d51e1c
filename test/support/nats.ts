/**
 * A private nats-server for one test file: its own folder, a free loopback port, and the configuration that the
 * embedded server has. Stopped by its own process id.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as dial, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DEFAULT_APP } from '../../src/kernel/ids.js';
import { embeddedConfiguration, mappingsBlock, type AppGrant } from '../../src/embedded/nats/configuration.js';

const run = promisify(execFile);
const START_TRIES_MAX = 200;
const START_PAUSE_MS = 25;

export interface TestNats {
  readonly url: string;
  readonly port: number;
  /** Credentials of the engine: everything. */
  readonly engine: { readonly url: string; readonly user: string; readonly pass: string };
  /** Credentials of an app: requests, events, state. */
  readonly app: { readonly url: string; readonly user: string; readonly pass: string };
  /** Credentials of learners in other processes: requests to any learner. */
  readonly learner: { readonly url: string; readonly user: string; readonly pass: string };
  /** Graceful stop; the stored data stay until `dispose`. */
  stop(): Promise<void>;
  /** SIGKILL: nothing is flushed. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing is answered, until `resume`. */
  pause(): Promise<void>;
  resume(): void;
  /** The folder of the stored data, for tests that change what a stopped server finds. */
  readonly dataDir: string;
  /** Starts again on the same port and data; stops a running server first. */
  restart(): Promise<void>;
  /** Stops for good and removes the data. */
  dispose(): Promise<void>;
}

export interface TestNatsOptions {
  /** The apps by name, or with scopes of their own; `app` at least. The name is the password too. */
  readonly apps?: readonly (string | AppGrant)[];
  /** Partitions the mappings are made for; 0 leaves the mappings out. */
  readonly partitions: number;
  /** Upper bound of everything that JetStream stores; what the disk allows if left out. */
  readonly storeBytesMax?: number;
}

/** Starts a server and resolves once it answers. */
export async function startTestNats(options: TestNatsOptions): Promise<TestNats> {
  const folder = await mkdtemp(join(tmpdir(), 'attune-nats-'));
  const port = await freePort();
  const configFile = join(folder, 'nats.conf');
  await writeFile(configFile, configuration(port, folder, options));
  let running: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const child = spawn(natsServerBinary(), ['-c', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
    const complaints: string[] = [];
    child.stderr!.on('data', (chunk: Buffer) => complaints.length < 50 && complaints.push(chunk.toString()));
    running = child;
    for (let i = 0; i < START_TRIES_MAX; i++) {
      if (child.exitCode !== null) throw new Error(`nats-server ended at once:\n${complaints.join('')}`);
      if (await answers(port)) return;
      await pause(START_PAUSE_MS);
    }
    throw new Error(`nats-server did not answer on port ${port}:\n${complaints.join('')}`);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const child = running;
    running = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };

  await start();
  const url = `nats://127.0.0.1:${port}`;
  return {
    url,
    port,
    engine: { url, user: 'engine', pass: 'engine' },
    app: { url, user: 'app', pass: 'app' },
    learner: { url, user: 'learner', pass: 'learner' },
    dataDir: join(folder, 'data'),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: async () => {
      running!.kill('SIGSTOP');
      await stopped(running!.pid!);
    },
    resume: () => void running?.kill('SIGCONT'),
    restart: async () => {
      await end('SIGTERM');
      await start();
    },
    dispose: async () => {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(port: number, folder: string, options: TestNatsOptions): string {
  const text = embeddedConfiguration({
    serverName: `test-${port}`,
    port,
    partitions: Math.max(1, options.partitions),
    storeDir: join(folder, 'data'),
    pidFile: join(folder, 'nats.pid'),
    passwords: { engine: 'engine', learner: 'learner', sys: 'sys' },
    apps: (options.apps ?? [DEFAULT_APP])
      .map((app) => (typeof app === 'string' ? { name: app } : app))
      .map((app) => ({ ...app, password: app.name })),
    anonymousApp: DEFAULT_APP,
    storeBytesMax: options.storeBytesMax,
  });
  return options.partitions === 0 ? text.replace(mappingsBlock(1), '') : text;
}

/** A stop takes effect a moment after the signal, and what arrives in that moment is still answered. */
async function stopped(pid: number): Promise<void> {
  for (;;) {
    const { stdout } = await run('ps', ['-o', 'stat=', '-p', `${pid}`]);
    if (stdout.trim().startsWith('T')) return;
    await pause(5);
  }
}

const natsServerBinary = (): string => process.env['NATS_SERVER'] ?? 'nats-server';

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
