import type { Clock } from '../../kernel/clock.js';
import { seededRandom, type SeededRandom } from '../../kernel/random.js';
import { EventQueue, type QueuedEvent } from './event-queue.js';
import { Trace } from './trace.js';

/** Simulated time 0, in milliseconds since the epoch (2024-01-01T00:00:00Z). */
export const SIMULATED_EPOCH_MS = 1_704_067_200_000;

/** Events that may run at one simulated instant; above it the simulated code is spinning. */
const EVENTS_PER_INSTANT_MAX = 100_000;

/** Ties of ordered channels are equal, so that they keep their order; those of timers are drawn. */
const ORDERED_TIE = 0.5;

/**
 * Calls `task` after all promises that are settled now, and all that this settles, have been followed up: Node empties
 * the microtask queue before it comes back to its ticks. Much cheaper than a turn of the event loop.
 */
const afterPromises = (task: () => void): void => queueMicrotask(() => process.nextTick(task));

/** The one timeline all simulated processes share. The same seed gives the same order of everything. */
export class Timeline {
  readonly random: SeededRandom;
  private readonly queue = new EventQueue();
  private currentMs = 0;
  private atThisInstant = 0;

  constructor(
    seed: number,
    readonly trace: Trace = new Trace(false),
  ) {
    this.random = seededRandom(seed);
  }

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.currentMs;
  }

  /** Uniform in [min, max). */
  between(min: number, max: number): number {
    return min + (max - min) * this.random.next();
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random.next() < probability;
  }

  /** Runs `task` at `atMs`, or now if that is past. Tasks of one time keep the order they were scheduled in. */
  at(atMs: number, task: () => void): QueuedEvent {
    return this.queue.push(Math.max(atMs, this.currentMs), ORDERED_TIE, task);
  }

  /** Like `at`, but tasks of one time run in a drawn order. */
  atAnyOrder(atMs: number, task: () => void): QueuedEvent {
    return this.queue.push(Math.max(atMs, this.currentMs), this.random.next(), task);
  }

  /** Runs what is due up to `untilMs`; after each event all promises that it settled have been followed up. */
  run(untilMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        const event = this.queue.pop(untilMs);
        if (!event) {
          this.currentMs = Math.max(this.currentMs, untilMs);
          return resolve();
        }
        try {
          this.advance(event.atMs);
          event.run();
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        afterPromises(step);
      };
      afterPromises(step);
    });
  }

  private advance(atMs: number): void {
    if (atMs !== this.currentMs) {
      this.currentMs = atMs;
      this.atThisInstant = 0;
    } else if (++this.atThisInstant > EVENTS_PER_INSTANT_MAX) {
      throw new Error(`Simulated code spins at ${atMs} ms.`);
    }
  }

  note(who: string, what: string, detail?: () => string): void {
    this.trace.add(this.currentMs, who, what, detail);
  }
}

export type ProcessStatus = 'running' | 'paused' | 'killed';

/** How a process's own clocks differ from the timeline's. */
export interface ClockFaults {
  /** Added to the wall clock. */
  readonly wallOffsetMs: number;
  /** Rate of both clocks against the timeline, as in 1.0001. */
  readonly rate: number;
}

const TRUE_CLOCK: ClockFaults = { wallOffsetMs: 0, rate: 1 };

/**
 * A process as the operating system sees it. All that ever runs in it comes through `run`: so nothing runs while it is
 * paused (it comes late, at once, on resumption), and nothing runs ever again once it is killed.
 */
export class SimulatedProcess {
  readonly clock: Clock;
  private current: ProcessStatus = 'running';
  private stalled: { readonly timer: boolean; readonly task: () => void }[] = [];
  private wallJumpMs = 0;
  /** How often it has gone on after a pause. */
  resumes = 0;
  private lastSoonMs = 0;
  private busyUntilMs = 0;

  constructor(
    readonly timeline: Timeline,
    readonly name: string,
    faults: ClockFaults = TRUE_CLOCK,
    /** Threads of one process read one clock: a later one is given when the first began. */
    readonly bootMs: number = timeline.nowMs,
  ) {
    const elapsed = (): number => (timeline.nowMs - bootMs) * faults.rate;
    this.clock = {
      nowMs: () => Math.floor(SIMULATED_EPOCH_MS + bootMs + elapsed() + faults.wallOffsetMs + this.wallJumpMs),
      monotonicMs: elapsed,
      after: (delayMs, task) => {
        const event = timeline.atAnyOrder(timeline.nowMs + Math.max(delayMs, 1) / faults.rate, () =>
          this.run(() => {
            // Node checks a timer's cancellation when it runs it: also after a pause in which both came due.
            if (!event.cancelled) task();
          }, true),
        );
        return () => {
          event.cancelled = true;
        };
      },
      soon: (task) => {
        // What was asked for first runs first, as with setImmediate.
        this.lastSoonMs = Math.max(this.lastSoonMs, timeline.nowMs + timeline.between(0, 0.05));
        timeline.at(this.lastSoonMs, () => this.run(task));
      },
    };
  }

  get status(): ProcessStatus {
    return this.current;
  }

  /** Runs `task` in this process: now, when what it is busy with is over, on resumption, or never. */
  run(task: () => void, timer = false): void {
    const { timeline, busyUntilMs } = this;
    if (this.current === 'running' && timeline.nowMs < busyUntilMs)
      timeline.at(busyUntilMs, () => this.run(task, timer));
    else if (this.current === 'running') task();
    else if (this.current === 'paused') this.stalled.push({ timer, task });
  }

  /** Runs `task` in this process at `atMs` or later; tasks of one time keep their order. */
  at(atMs: number, task: () => void): void {
    this.timeline.at(atMs, () => this.run(task));
  }

  /** What runs now takes so long: everything that comes meanwhile comes after it, in order. */
  spend(ms: number): void {
    this.busyUntilMs = Math.max(this.busyUntilMs, this.timeline.nowMs) + ms;
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.current === 'running') this.current = 'paused';
  }

  /** SIGCONT: everything that came in the meantime comes now, sometimes all timers before all deliveries. */
  resume(): void {
    if (this.current !== 'paused') return;
    this.current = 'running';
    this.resumes++;
    const stalled = this.stalled;
    this.stalled = [];
    const ordered = this.timeline.chance(0.5)
      ? [...stalled.filter((entry) => entry.timer), ...stalled.filter((entry) => !entry.timer)]
      : stalled;
    for (const entry of ordered) this.timeline.at(this.timeline.nowMs, () => this.run(entry.task, entry.timer));
  }

  /** SIGKILL. */
  kill(): void {
    this.current = 'killed';
    this.stalled = [];
  }

  /** The wall clock is set; the monotonic one goes on. */
  jumpWall(byMs: number): void {
    this.wallJumpMs += byMs;
  }
}
