/** Fires the timers of a partition that is served: each as a record, which counts when it comes back. */
import type { Clock } from '../../kernel/clock.js';
import { ENGINE_APP } from '../../kernel/ids.js';
import { subjects } from '../../messages/subjects.js';
import { addressOfKey } from './activation.js';
import { timerKey } from './record-codec.js';
import type { RecordWriter } from './record-writer.js';
import type { DueTimer, TimerIndex } from './timer-index.js';

/** After a timer could not be written, or came back void. */
const RETRY_MS = 100;
/** While as many are in flight as may be. */
const ROOM_MS = 10;
/** Clocks drift: what is further away is looked at again in between. */
const LOOK_MS_MAX = 60_000;

export interface TimerDeskOptions {
  readonly partition: number;
  readonly clock: Clock;
  readonly timers: TimerIndex;
  readonly writer: RecordWriter;
  /** Timers fired and not folded yet. */
  readonly inFlightMax: number;
  /** The server's time, as far as it is known here. */
  readonly nowMs: () => number;
  readonly leaseHeld: () => boolean;
}

export class TimerDesk {
  private inFlight = 0;
  private notBeforeMs = 0;
  private cancel: (() => void) | undefined;
  private running = false;

  constructor(private readonly options: TimerDeskOptions) {}

  start(): void {
    this.running = true;
    this.arm();
  }

  stop(): void {
    this.running = false;
    this.cancel?.();
  }

  /** Told whenever timers may have changed. */
  arm(): void {
    if (!this.running) return;
    const { clock, timers, nowMs } = this.options;
    this.cancel?.();
    this.cancel = undefined;
    const next = timers.peek();
    if (!next) return;
    const delayMs = Math.max(0, next.due - nowMs(), this.notBeforeMs - clock.monotonicMs());
    this.cancel = clock.after(Math.min(delayMs, LOOK_MS_MAX), () => this.fire());
  }

  /** Not at once again, whatever is folded meanwhile: what keeps timers from firing would keep them now. */
  private pause(forMs: number): void {
    this.notBeforeMs = this.options.clock.monotonicMs() + forMs;
    this.arm();
  }

  private fire(): void {
    if (!this.running) return;
    const { timers, inFlightMax, nowMs, leaseHeld } = this.options;
    // The lease may yet be renewed.
    if (!leaseHeld()) return this.pause(RETRY_MS);
    const room = inFlightMax - this.inFlight;
    if (room <= 0) return this.pause(ROOM_MS);
    for (const timer of timers.takeDue(nowMs(), room)) this.write(timer);
    this.arm();
  }

  private write(timer: DueTimer): void {
    const { partition, timers, writer } = this.options;
    const address = addressOfKey(timer.key);
    const key = timerKey(address, timer.generation);
    if (writer.has(key)) return;
    this.inFlight++;
    writer.write({
      key,
      subject: subjects.record(partition, 'timer', ENGINE_APP, address.kind, address.token),
      body: undefined,
      trace: undefined,
      fields: { due: timer.due, generation: timer.generation },
      settle: (applied, _sequence, error) => {
        this.inFlight--;
        if (applied && !error) return;
        // Not stored: it is still due.
        timers.restore(timer);
        this.pause(RETRY_MS);
      },
    });
  }
}
