/** Keeps the facts sink out of the way of decisions: a worker thread with connections of its own, restarted if it ends. */
import { Worker } from 'node:worker_threads';
import type { Logger, LogLevel } from '../kernel/logger.js';
import { sumOfUnreadable, type UnreadableCounts } from '../kernel/read-json.js';
import type { SinkStatus } from '../store/sink/facts-sink.js';
import type { FactsRole } from './facts-role.js';

const RESTART_MS = 2_000;
const STOP_MS = 5_000;
const HEAP_MB_MAX = 512;
const YOUNG_MB_MAX = 16;

/** What the thread is told; plain data. */
export interface FactsThreadData {
  readonly url: string;
  readonly nats: { readonly url: string; readonly user?: string | undefined; readonly password?: string | undefined };
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly logLevel: LogLevel;
}

export interface FactsThreadMessage {
  readonly status: SinkStatus;
  readonly unreadable: UnreadableCounts;
}

export function startFactsThread(data: FactsThreadData, log: Logger): FactsRole {
  let status: SinkStatus | undefined;
  let unreadable: UnreadableCounts = {};
  /** Of threads that have ended: a count that is shown never falls. */
  let unreadableBefore: UnreadableCounts = {};
  let stopping = false;
  let restart: NodeJS.Timeout | undefined;
  let worker: Worker;
  let ended: Promise<void>;
  const launch = (): void => {
    // A plain copy: options may carry methods, which cannot be cloned.
    const { url, user, password } = data.nats;
    const workerData: FactsThreadData = { ...data, nats: { url, user, password } };
    worker = new Worker(new URL('./facts-worker.js', import.meta.url), {
      workerData,
      // Its buffers are bounded; a collector that takes its time would show as the process's memory.
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX, maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    });
    worker.on('message', (message: FactsThreadMessage) => ({ status, unreadable } = message));
    worker.on('error', (error) => log.warn('the facts thread failed; it is started again', { error }));
    ended = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve();
        unreadableBefore = sumOfUnreadable(unreadableBefore, unreadable);
        unreadable = {};
        if (!stopping) restart = setTimeout(launch, RESTART_MS);
      });
    });
  };
  launch();
  return {
    status: () => status,
    unreadable: () => sumOfUnreadable(unreadableBefore, unreadable),
    stop: async () => {
      stopping = true;
      clearTimeout(restart);
      worker.postMessage('stop');
      const late = setTimeout(() => void worker.terminate(), STOP_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
