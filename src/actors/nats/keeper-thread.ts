/**
 * The keeper of a process: a worker thread with a connection of its own, so that leases are renewed however busy the main
 * thread is. A thread that ends, or no longer beats, is followed by another; where that does not help, it is said loudly.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { LogLevel } from '../../kernel/logger.js';
import { workerEntry } from '../../kernel/worker-entry.js';
import type { Keeper } from '../keeper/keeper.js';
import { LeaseCells } from '../keeper/lease-cells.js';
import type { KeeperReply } from '../keeper/protocol.js';
import { RemoteKeeper } from '../keeper/remote-keeper.js';
import type { LinkLog } from './connection.js';

const ENTRY = workerEntry('./keeper-worker', import.meta.url);
const RESTART_MS = 500;
/** So many ends in a row, with no answer in between, are no accident. */
const FAILURES_MAX = 5;
const STOP_MS = 5_000;
const HEAP_MB_MAX = 128;
const YOUNG_MB_MAX = 8;

export interface KeeperThreadOptions {
  readonly nats: { readonly url: string; readonly user?: string | undefined; readonly password?: string | undefined };
  /** Shown in the server's monitoring. */
  readonly name: string;
  readonly replicas: number;
  readonly leaseTtlMs: number;
  readonly hungAfterMs: number;
  /** Leases at once, at most. */
  readonly leasesMax: number;
  /** A round trip through the main connection. */
  readonly ping: () => Promise<void>;
  readonly clock: Clock;
  readonly logLevel: LogLevel;
  readonly log: LinkLog;
  /** The keeper cannot be kept running: without it this process can own nothing. */
  readonly onFatal: (error: EngineError) => void;
}

/** What the thread is told; plain data. */
export interface KeeperThreadData extends Pick<
  KeeperThreadOptions,
  'nats' | 'name' | 'replicas' | 'leaseTtlMs' | 'hungAfterMs' | 'logLevel'
> {
  readonly cells: SharedArrayBuffer;
}

export interface KeeperThread {
  readonly keeper: Keeper;
  /** After everything that holds a lease has ended. */
  stop(): Promise<void>;
}

export function startKeeperThread(options: KeeperThreadOptions): KeeperThread {
  const { leasesMax, clock, hungAfterMs, ping, log, onFatal, leaseTtlMs } = options;
  const cells = LeaseCells.create(leasesMax);
  const keeper = new RemoteKeeper({ cells, clock, hungAfterMs, ping });
  let stopping = false;
  let failures = 0;
  let restart: NodeJS.Timeout | undefined;
  let worker: Worker;
  let ended: Promise<void>;
  const launch = (): void => {
    const launched = new Worker(ENTRY.url, {
      execArgv: ENTRY.execArgv,
      workerData: dataOf(options, cells),
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX, maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    });
    worker = launched;
    cells.beat(0);
    launched.on('message', (reply: KeeperReply) => {
      failures = 0;
      keeper.receive(reply);
    });
    launched.on('error', (error) => log.warn('the keeper of the leases failed', { error: String(error) }));
    ended = new Promise((resolve) => {
      launched.once('exit', () => {
        resolve();
        keeper.disconnect();
        if (stopping) return;
        if (++failures >= FAILURES_MAX) {
          const message = `The keeper of the leases ended ${failures} times in a row.`;
          return onFatal(new EngineError('Invariant', 'KEEPER_FAILED', message));
        }
        log.warn('the keeper of the leases has ended; it is started again, and what it held runs out');
        restart = setTimeout(launch, RESTART_MS);
      });
    });
    keeper.connect((message) => launched.postMessage(message));
  };
  launch();
  keeper.start();
  const watch = watchBeats(cells, leaseTtlMs, () => {
    log.warn('the keeper of the leases hangs; it is ended');
    void worker.terminate();
  });
  return {
    keeper,
    stop: async () => {
      stopping = true;
      clearTimeout(restart);
      clearInterval(watch);
      const late = setTimeout(() => void worker.terminate(), STOP_MS);
      await keeper.stop();
      await ended;
      clearTimeout(late);
    },
  };
}

/** Twice in a row the same beat: one look alone would condemn a keeper after a pause of the whole process. */
function watchBeats(cells: LeaseCells, leaseTtlMs: number, onSilent: () => void): NodeJS.Timeout {
  let seenMs = -1;
  return setInterval(() => {
    const { beatAtMs } = cells;
    // None yet: it is still starting.
    if (beatAtMs > 0 && beatAtMs === seenMs) onSilent();
    seenMs = beatAtMs;
  }, 2 * leaseTtlMs);
}

function dataOf(options: KeeperThreadOptions, cells: LeaseCells): KeeperThreadData {
  const { name, replicas, leaseTtlMs, hungAfterMs, logLevel } = options;
  // A plain copy: options may carry methods, which cannot be cloned.
  const { url, user, password } = options.nats;
  return { nats: { url, user, password }, name, replicas, leaseTtlMs, hungAfterMs, logLevel, cells: cells.buffer };
}
