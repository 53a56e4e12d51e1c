/** Time comes in through this port, so that a simulator can own it. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch. May jump. */
  nowMs(): number;
  /** Milliseconds on a clock that only moves forward, also through a process's sleep where the platform allows. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` once soon, after what is already queued: the end of this tick. */
  soon(task: () => void): void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (task) => void setImmediate(task),
};

export const sleep = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.after(delayMs, resolve));
