/**
 * The engine as it is run: a child process of its own, with an environment of its own. Every process that a test starts
 * is ended by its own id, also where the test fails: call `endEngineProcesses` in afterEach or afterAll.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { removeState } from '../../src/embedded/embedded.js';
import { builtMain, ROOT } from './engine-build.js';

const run = promisify(execFile);
/** Settings of the tests' engines that are not about these: enough memory of ids that nothing is forgotten under load. */
const SETTINGS: Readonly<Record<string, unknown>> = {
  'fold.events.dedupePerActor': 4096,
  'fold.user.requestIdsMax': 1024,
  'fold.user.pendingMax': 256,
  'rateLimit.perUser': 0,
  'rateLimit.perKey': 0,
  'rateLimit.perAddress': 0,
};

const BLOCKER = join(ROOT, 'test', 'support', 'block-on-signal.mjs');
const ORDERLY_END_MS_MAX = 10_000;

export interface LogLine {
  readonly level?: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface EngineProcess {
  readonly pid: number;
  readonly stateDir: string;
  /** Base URL of its REST API; empty for roles without one. */
  readonly url: string;
  readonly hostId: string;
  readonly log: readonly LogLine[];
  /** Everything written to standard error, as text. */
  readonly stderr: () => string;
  readonly ended: Promise<ProcessEnd>;
  /** Sends the signal and resolves once the process has ended. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<ProcessEnd>;
  /** SIGSTOP; resolves once it has taken effect. */
  pause(): Promise<void>;
  resume(): void;
  /** Keeps its main thread busy for so long, so many times with a turn of its loop in between; resolves when it is over. */
  keepBusy(blockMs: number, times?: number): Promise<void>;
}

export interface EngineProcessOptions {
  readonly role?: 'all' | 'gateway' | 'host' | 'learner';
  readonly nats?: { readonly url: string; readonly user: string; readonly pass: string };
  readonly databaseUrl?: string;
  /** The compiled main.js of another build than this one. */
  readonly main?: string;
  /** A fresh temporary one if left out. */
  readonly stateDir?: string;
  /** Further settings by path, as in `limits.mailboxMax`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

const running = new Set<ChildProcess>();
const folders: string[] = [];
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the engine and resolves when it says that it is ready; rejects with what it said where it ends instead. */
export async function startEngineProcess(options: EngineProcessOptions): Promise<EngineProcess> {
  const engine = await spawnEngineProcess(options);
  await engine.ready;
  return engine;
}

/** Like startEngineProcess, without waiting for readiness: for engines that are expected not to start. */
export async function spawnEngineProcess(
  options: EngineProcessOptions,
): Promise<EngineProcess & { readonly ready: Promise<void> }> {
  const main = options.main ?? (await builtMain());
  const stateDir = options.stateDir ?? (await temporaryStateDir());
  const blocks = join(stateDir, 'blocks.json');
  const child = spawn(process.execPath, ['--enable-source-maps', '--import', BLOCKER, main], {
    cwd: ROOT,
    env: { ...environment(options, stateDir), BLOCKS_FILE: blocks },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  const text: string[] = [];
  const log: LogLine[] = [];
  let url = '';
  let hostId = '';
  const ready = new Promise<void>((resolve, reject) => {
    const lines = createInterface({ input: child.stderr! });
    lines.on('line', (line) => {
      text.push(line);
      const entry = parseLine(line);
      log.push(entry);
      if (entry.message !== 'ready') return;
      url = (entry.url as string | undefined) ?? '';
      hostId = entry.host as string;
      resolve();
    });
    // Its last words may still be in the pipe when it has ended.
    lines.once('close', () =>
      reject(new Error(`the engine ended before it was ready:\n${text.slice(-30).join('\n')}`)),
    );
  });
  ready.catch(() => undefined);
  return {
    pid: child.pid!,
    stateDir,
    get url() {
      return url;
    },
    get hostId() {
      return hostId;
    },
    log,
    stderr: () => text.join('\n'),
    ended,
    ready,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
    pause: async () => {
      child.kill('SIGSTOP');
      await stopped(child.pid!);
    },
    resume: () => void child.kill('SIGCONT'),
    keepBusy: async (blockMs, times = 1) => {
      const over = (): number => log.filter(({ message }) => message === 'no longer busy').length;
      const before = over();
      await writeFile(blocks, JSON.stringify({ blockMs, times }));
      child.kill('SIGUSR2');
      while (over() === before) await pause(20);
    },
  };
}

/**
 * Ends what still runs, in its own orderly way so that servers of its own are gone with it, and by force where that does
 * not come; then removes the state directories that were made.
 */
export async function endEngineProcesses(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), ORDERLY_END_MS_MAX);
      await exited;
      clearTimeout(force);
    }),
  );
  for (const folder of folders.splice(0)) await removeState(folder);
}

export async function temporaryStateDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'attune-engine-'));
  folders.push(folder);
  return folder;
}

function environment(options: EngineProcessOptions, stateDir: string): NodeJS.ProcessEnv {
  const { role = 'all', nats, databaseUrl, settings = {} } = options;
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ATTUNE_ROLE: role,
    ATTUNE_HTTP_PORT: '0',
    ATTUNE_STATE_DIR: stateDir,
    ATTUNE_LOG_LEVEL: 'info',
    ...(nats ? { ATTUNE_NATS_URL: nats.url, ATTUNE_NATS_USER: nats.user, ATTUNE_NATS_PASSWORD: nats.pass } : {}),
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
  };
  for (const [field, value] of Object.entries({ ...SETTINGS, ...settings })) {
    env[`ATTUNE__${field.replaceAll('.', '__')}`] = JSON.stringify(value);
  }
  return env;
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { message: line };
  }
}

/** A stop takes effect a moment after the signal, and what arrives in that moment is still answered. */
async function stopped(pid: number): Promise<void> {
  for (;;) {
    const { stdout } = await run('ps', ['-o', 'stat=', '-p', `${pid}`]);
    if (stdout.trim().startsWith('T')) return;
    await pause(5);
  }
}
