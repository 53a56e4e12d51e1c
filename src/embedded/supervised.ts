import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { EngineError } from '../kernel/errors.js';
import { dieWithParent, pause } from './processes.js';

const LOG_BYTES_MAX = 16 * 1024 * 1024;
const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 20_000;
/** A server that dies more often than this within a minute is left alone. */
const REVIVALS_PER_MINUTE_MAX = 5;

export interface Launch {
  /** What people call it, as in `nats-server`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  /** Ask it to end: its own graceful way. */
  readonly stopSignal: 'TERM' | 'INT';
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Polled until it resolves to true; never asked again after that. */
  readonly isReady: (pid: number) => Promise<boolean>;
  readonly say: (line: string) => void;
}

/** A child that is started again when it dies by itself. */
export interface Supervised {
  pid(): number | undefined;
  /** Resolves once the child has ended; idempotent. */
  stop(): Promise<void>;
  /** Ends the child gracefully and resolves when its successor is ready. */
  restart(): Promise<void>;
}

/**
 * Starts a server in a session of its own (so that Ctrl-C reaches the engine first, which stops it in order) and
 * resolves when it is ready. Rejects with Configuration `EMBEDDED_START_FAILED` and the end of its log.
 */
export async function supervise(launch: Launch): Promise<Supervised> {
  let child: ChildProcess | undefined;
  let wanted = true;
  let revivals: number[] = [];
  let reviving: Promise<void> = Promise.resolve();

  const begin = async (): Promise<void> => {
    const started = await startOnce(launch);
    child = started;
    const onExit = (code: number | null, signal: string | null): void => {
      if (child === started) child = undefined;
      if (wanted) reviving = revive(`${code ?? signal}`);
    };
    if (started.exitCode !== null || started.signalCode !== null) onExit(started.exitCode, started.signalCode);
    else started.once('exit', onExit);
  };

  const revive = async (why: string): Promise<void> => {
    const now = performance.now();
    revivals = [...revivals.filter((at) => now - at < 60_000), now];
    if (revivals.length > REVIVALS_PER_MINUTE_MAX) {
      launch.say(`${launch.name} keeps dying and is not started again; see ${launch.logFile}`);
      return;
    }
    launch.say(`${launch.name} ended by itself (${why}); starting it again`);
    await pause(100 * revivals.length);
    if (!wanted || child) return;
    await begin().catch((error: unknown) => launch.say(`${launch.name} did not come back: ${String(error)}`));
  };

  const end = async (): Promise<void> => {
    wanted = false;
    await reviving;
    const running = child;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill(`SIG${launch.stopSignal}`);
    const killer = setTimeout(() => running.kill('SIGKILL'), STOP_MS_MAX);
    await ended;
    clearTimeout(killer);
  };

  await begin();
  return {
    pid: () => child?.pid,
    stop: end,
    restart: async () => {
      await end();
      wanted = true;
      await begin();
    },
  };
}

async function startOnce(launch: Launch): Promise<ChildProcess> {
  const log = openLog(launch.logFile);
  const [command, args] = dieWithParent(launch.stopSignal, launch.command, launch.args);
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: launch.cwd ?? '/',
    ...(launch.env ? { env: launch.env } : {}),
    ...(launch.uid === undefined ? {} : { uid: launch.uid, gid: launch.gid ?? launch.uid }),
  });
  closeSync(log);
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure ??= `it ended with ${code ?? signal}`));
  child.unref();
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    if (failure === undefined && child.pid !== undefined && (await launch.isReady(child.pid))) return child;
    if (failure === undefined && performance.now() < deadline) {
      await pause(15);
      continue;
    }
    if (failure === undefined) child.kill('SIGKILL');
    throw new EngineError(
      'Configuration',
      'EMBEDDED_START_FAILED',
      `${launch.name} did not start: ${failure ?? 'it was not ready in time'}. ${await logTail(launch.logFile)}`,
    );
  }
}

function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return openSync(file, size > LOG_BYTES_MAX ? 'w' : 'a', 0o600);
}

async function logTail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.trimEnd().split('\n').slice(-5).join('\n');
  return `The end of ${file}:\n${lines}`;
}
