import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 50;
/** Far above what anything takes: it ends a test that would otherwise wait for ever. */
const WAIT_MS_MAX = 240_000;

/**
 * Tries `attempt` until it neither throws nor resolves to undefined or false, and resolves to what it gave. Rejects with
 * the last error once hope is gone.
 */
export async function eventually<T>(what: string, attempt: () => Promise<T> | T): Promise<NonNullable<T>> {
  const givesUpAt = performance.now() + WAIT_MS_MAX;
  for (;;) {
    let failure: unknown;
    try {
      const result = await attempt();
      if (result !== undefined && result !== null && result !== false) return result as NonNullable<T>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > givesUpAt) throw new Error(`waited in vain: ${what}`, { cause: failure });
    await pause(EVERY_MS);
  }
}
