/**
 * A start that waits for what it needs: processes of a cluster and its servers are started in any order, and a server that
 * many start on at once may answer one of them late.
 */
import type { Clock } from '../kernel/clock.js';
import { EngineError } from '../kernel/errors.js';
import type { Logger } from '../kernel/logger.js';

/** Whoever runs the process should learn of a wrong address in the end. */
const PATIENCE_MS = 120_000;
const FIRST_PAUSE_MS = 250;
const PAUSE_MS_MAX = 2_000;

export interface PatienceOptions {
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly log: Pick<Logger, 'warn'>;
  /** Its abort ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * What `start` resolves to. It is called again after Dependency errors, for two minutes; it leaves nothing running when it
 * rejects. Rejects with its last error, at once with any other, and with the signal's reason once that is aborted.
 */
export async function withPatience<T>(start: () => Promise<T>, { clock, log, signal }: PatienceOptions): Promise<T> {
  const givesUpAtMs = clock.monotonicMs() + PATIENCE_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    signal.throwIfAborted();
    try {
      return await start();
    } catch (error) {
      signal.throwIfAborted();
      const { family, code, message } = EngineError.from(error);
      if (family !== 'Dependency' || clock.monotonicMs() + pauseMs > givesUpAtMs) throw error;
      log.warn('the start waits for what it needs', { code, error: message });
    }
    await pause(clock, pauseMs, signal);
  }
}

/** Ends early where the signal is aborted. */
function pause(clock: PatienceOptions['clock'], pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(pauseMs, () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    const end = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
  });
}
