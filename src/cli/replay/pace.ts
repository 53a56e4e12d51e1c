/** The data's own clock, sped up. */
import { InvalidArgumentError } from 'commander';
import { sleep, type Clock } from '../../kernel/clock.js';

/** How many times faster than the data's own clock; Infinity for as fast as it goes. */
export function speedFrom(text: string): number {
  if (text === 'max') return Infinity;
  const match = /^(\d+(?:\.\d+)?)x$/.exec(text);
  const speed = match ? Number(match[1]) : NaN;
  if (speed > 0 && Number.isFinite(speed)) return speed;
  throw new InvalidArgumentError('It must be max, or a factor such as 60x.');
}

export class Pace {
  private readonly startedMs: number;

  constructor(
    private readonly speed: number,
    /** The data's time at which the replay begins. */
    private readonly dataStartMs: number,
    private readonly clock: Clock,
  ) {
    this.startedMs = clock.monotonicMs();
  }

  /** Resolves once the data's clock has come to `dataMs`. */
  async until(dataMs: number): Promise<void> {
    if (this.speed === Infinity) return;
    const dueMs = this.startedMs + (dataMs - this.dataStartMs) / this.speed;
    const leftMs = dueMs - this.clock.monotonicMs();
    if (leftMs > 0) await sleep(this.clock, leftMs);
  }

  /** How far the data's clock moves in `wallMs`; Infinity at full speed. */
  dataSpanMs(wallMs: number): number {
    return this.speed * wallMs;
  }
}
