import type { Clock } from '../../src/kernel/clock.js';

/** A clock that stands still but for those who wait: each wait is over at once, and has taken its time. */
export function jumpClock(startMs = 0): Clock & { readonly waits: number[] } {
  let now = startMs;
  const waits: number[] = [];
  const soon = (task: () => void): void => void setImmediate(task);
  return {
    waits,
    nowMs: () => now,
    monotonicMs: () => now,
    after: (delayMs, task) => {
      waits.push(delayMs);
      let isCancelled = false;
      soon(() => {
        if (isCancelled) return;
        now += delayMs;
        task();
      });
      return () => (isCancelled = true);
    },
    soon,
  };
}
