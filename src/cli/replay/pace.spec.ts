import { describe, expect, it } from '@jest/globals';
import { jumpClock } from '../../../test/support/jump-clock.js';
import { Pace, speedFrom } from './pace.js';

describe('Pace', () => {
  it('keeps the data’s clock at its factor, whatever the work in between takes', async () => {
    const clock = jumpClock(500);
    const pace = new Pace(60, 1_000_000, clock);
    await pace.until(1_060_000);
    expect(clock.monotonicMs()).toBe(1_500);
    await new Promise<void>((resolve) => void clock.after(5_000, resolve));
    // Late already: nothing to wait for.
    await pace.until(1_120_000);
    expect(clock.waits).toEqual([1_000, 5_000]);
    expect(pace.dataSpanMs(250)).toBe(15_000);
  });

  it('never waits at full speed', async () => {
    const clock = jumpClock();
    await new Pace(Infinity, 0, clock).until(1e12);
    expect(clock.waits).toEqual([]);
  });

  it('reads max and factors, and nothing else', () => {
    expect(['max', '60x', '0.5x'].map(speedFrom)).toEqual([Infinity, 60, 0.5]);
    for (const text of ['', 'x', '0x', '-1x', '60', 'fast', '1e9999x']) expect(() => speedFrom(text)).toThrow();
  });
});
