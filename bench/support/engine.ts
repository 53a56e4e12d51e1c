/** The engine as it ships: a child process on dist/main.js with a state directory of its own, and a probe inside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { removeState } from '../../src/embedded/embedded.js';
import type { ProbeReading, ProbeRequest } from '../engine-probe.js';

export const ROOT = join(import.meta.dirname, '..', '..');
/** Another build can be measured for comparison. */
const MAIN = process.env['ATTUNE_BENCH_MAIN'] ?? join(ROOT, 'dist', 'main.js');
const PROBE = join(ROOT, 'bench', 'engine-probe.ts');
const LAST_LINES = 30;

export interface EngineOptions {
  readonly role?: 'all' | 'gateway' | 'host' | 'learner';
  /** An engine of the role all brings its own where this is left out. */
  readonly nats?: { readonly url: string; readonly user: string; readonly pass: string };
  /** Over the defaults, by path: `limits.mailboxMax`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface Engine {
  readonly pid: number;
  /** Base URL of its REST API; empty for roles without one. */
  readonly url: string;
  readonly hostId: string;
  /** Starts the maxima and the loop's delay anew. */
  reset(): Promise<void>;
  read(): Promise<ProbeReading>;
  /** Collects all garbage first. */
  collect(): Promise<ProbeReading>;
  /** Graceful. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const running = new Set<ChildProcess>();
const folders = new Set<string>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Resolves once it is ready; rejects with its last words where it ends instead. */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing; npm run bench builds it first.`);
  const stateDir = await mkdtemp(join(tmpdir(), 'attune-bench-'));
  folders.add(stateDir);
  const flags = (process.env['ATTUNE_BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
  const child = spawn(process.execPath, ['--expose-gc', ...flags, '--import', PROBE, MAIN], {
    cwd: ROOT,
    env: environment(options, stateDir),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const { url, host } = await readiness(child);
  const ask = asking(child);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (running.has(child)) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    await removeState(stateDir);
    folders.delete(stateDir);
  };
  return {
    pid: child.pid!,
    url,
    hostId: host,
    reset: async () => void (await ask('reset')),
    read: () => ask('read'),
    collect: () => ask('collect'),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** For an entry's end, however it ends. */
export async function endEngines(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }),
  );
  for (const folder of folders) await removeState(folder);
}

function environment({ role = 'all', nats, settings = {} }: EngineOptions, stateDir: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ATTUNE_ROLE: role,
    ATTUNE_HTTP_PORT: '0',
    ATTUNE_STATE_DIR: stateDir,
    // Readiness is said at this level; nothing is logged per request.
    ATTUNE_LOG_LEVEL: 'info',
    ...(nats ? { ATTUNE_NATS_URL: nats.url, ATTUNE_NATS_USER: nats.user, ATTUNE_NATS_PASSWORD: nats.pass } : {}),
  };
  const unlimited = { 'rateLimit.perAddress': 0, 'rateLimit.perKey': 0, 'rateLimit.perUser': 0 };
  for (const [field, value] of Object.entries({ ...unlimited, ...settings })) {
    env[`ATTUNE__${field.replaceAll('.', '__')}`] = JSON.stringify(value);
  }
  return env;
}

function readiness(child: ChildProcess): Promise<{ url: string; host: string }> {
  return new Promise((resolve, reject) => {
    const last: string[] = [];
    const lines = createInterface({ input: child.stderr! });
    lines.on('line', (line) => {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      const { message, url, host } = parsed(line);
      if (message === 'ready') resolve({ url: url ?? '', host: host ?? '' });
    });
    lines.once('close', () => reject(new Error(`the engine ended before it was ready:\n${last.join('\n')}`)));
  });
}

function parsed(line: string): { message?: string; url?: string; host?: string } {
  try {
    return JSON.parse(line) as { message?: string };
  } catch {
    return {};
  }
}

function asking(child: ChildProcess): (ask: ProbeRequest['ask']) => Promise<ProbeReading> {
  let ids = 0;
  const waiting = new Map<number, { resolve: (reading: ProbeReading) => void; reject: (error: Error) => void }>();
  child.on('message', ({ id, reading }: { id: number; reading: ProbeReading }) => {
    waiting.get(id)?.resolve(reading);
    waiting.delete(id);
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(hasEnded());
  });
  return (ask) =>
    new Promise((resolve, reject) => {
      if (!child.connected) return reject(hasEnded());
      const id = ++ids;
      waiting.set(id, { resolve, reject });
      child.send({ id, ask } satisfies ProbeRequest);
    });
}

const hasEnded = (): Error => new Error('the engine has ended');
