/** Time comes in through this port, so that a simulator can own it. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch. May jump. */
  nowMs(): number;
  /**
   * Milliseconds on a clock that only moves forward, also through a process's sleep where the platform allows. All threads of
   * a process read the same.
   */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` once soon, after what is already queued: the end of this tick. */
  soon(task: () => void): void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  // Not performance.now(), which begins anew in every thread.
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (task) => {
    if (soonTasks.push(task) === 1) setImmediate(runSoonTasks);
  },
};

let soonTasks: (() => void)[] = [];

/**
 * All of a tick in one go: between immediates of their own, Node would run microtasks, and the NATS client writes to its
 * socket in one. So what many partitions publish at the end of a tick leaves in one write instead of one each.
 */
function runSoonTasks(): void {
  const tasks = soonTasks;
  soonTasks = [];
  let done = 0;
  try {
    for (const task of tasks) {
      done++;
      task();
    }
  } finally {
    // One that threw ends this run, not what was asked for behind it.
    if (done < tasks.length) for (const task of tasks.slice(done)) systemClock.soon(task);
  }
}

export const sleep = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.after(delayMs, resolve));
