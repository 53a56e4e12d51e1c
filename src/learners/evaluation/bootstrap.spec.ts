import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../kernel/random.js';
import { bootstrapIntervals, BLOCKS_MAX, type BootstrapOptions } from './bootstrap.js';
import { totals, type Estimator, type Summands } from './estimators.js';

const meanOf: Estimator = { name: 'IPS', weights: 'choice', model: false, value: (s) => s[1]! / s[0]! };
const OPTIONS: BootstrapOptions = { method: 'bca', level: 0.9, resamples: 400, seed: 1 };

/** Skewed: the mean of squares of uniforms is 1/3. */
function squares(count: number, seed: number): Summands {
  const random = seededRandom(seed);
  const rows = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) rows.set([1, random.next() ** 2], 2 * i);
  return { width: 2, rows };
}

describe('bootstrapIntervals', () => {
  it.each(['bca', 'percentile'] as const)('%s intervals hold a known mean about as often as they say', (method) => {
    let held = 0;
    const runs = 200;
    for (let seed = 1; seed <= runs; seed++) {
      const [interval] = bootstrapIntervals(squares(40, seed), [meanOf], { ...OPTIONS, method, seed, resamples: 200 });
      held += interval!.low <= 1 / 3 && 1 / 3 <= interval!.high ? 1 : 0;
    }
    // 0.9 less four standard errors of the share, and what is known of the bootstrap at 40 observations.
    expect(held / runs).toBeGreaterThan(0.9 - 4 * Math.sqrt((0.9 * 0.1) / runs) - 0.02);
    expect(held / runs).toBeLessThan(1);
  });

  it('BCa shifts both ends by twice what the estimate lies off the middle of its resamples', () => {
    // Without skewness, so that nothing else is corrected.
    const values = Array.from({ length: 40 }, (_, i) => [1, i - 19.5]).flat();
    const log: Summands = { width: 2, rows: Float64Array.from(values) };
    const percentile = (level: number) =>
      bootstrapIntervals(log, [meanOf], { ...OPTIONS, method: 'percentile', level })[0]!;
    const quarter = percentile(0.5).low;
    const whole = totals(log);
    const offMiddle: Estimator = {
      ...meanOf,
      value: (s) => (s.every((sum, c) => sum === whole[c]) ? quarter : meanOf.value(s)),
    };
    const [interval] = bootstrapIntervals(log, [offMiddle], OPTIONS);
    // z0 = Φ⁻¹(¼) = −0.6745: the upper end of 90 % is at Φ(2·z0 + 1.6449) = Φ(0.2959) = 0.6163 of the resamples.
    const upper = (share: number) => percentile(2 * share - 1).high;
    expect(interval!.high).toBeGreaterThan(upper(0.606));
    expect(interval!.high).toBeLessThan(upper(0.626));
    // The lower end is at Φ(−2.9938) = 0.0014.
    expect(interval!.low).toBeLessThan(percentile(0.98).low);
  });

  it('is the same for the same seed, and another for another', () => {
    const log = squares(50, 1);
    const [first] = bootstrapIntervals(log, [meanOf], OPTIONS);
    expect(bootstrapIntervals(log, [meanOf], OPTIONS)).toEqual([first]);
    expect(bootstrapIntervals(log, [meanOf], { ...OPTIONS, seed: 2 })).not.toEqual([first]);
  });

  it('joins neighbours of long logs, and finds nearly the same spread', () => {
    const long = squares(5 * BLOCKS_MAX + 7, 3);
    const [interval] = bootstrapIntervals(long, [meanOf], OPTIONS);
    // 2 · 1.645 standard errors; the variance of a squared uniform is 4/45.
    const width = 2 * 1.645 * Math.sqrt(4 / 45 / (5 * BLOCKS_MAX + 7));
    expect((interval!.high - interval!.low) / width).toBeGreaterThan(0.85);
    expect((interval!.high - interval!.low) / width).toBeLessThan(1.15);
  });

  it('joins what stands side by side: pairs of equal neighbours are resampled as pairs', () => {
    const single = squares(BLOCKS_MAX, 4);
    const twice = new Float64Array(2 * single.rows.length);
    for (let i = 0; i < BLOCKS_MAX; i++) {
      const row = single.rows.subarray(2 * i, 2 * i + 2);
      twice.set(row, 4 * i);
      twice.set(row, 4 * i + 2);
    }
    const [wanted] = bootstrapIntervals(single, [meanOf], OPTIONS);
    const [joined] = bootstrapIntervals({ width: 2, rows: twice }, [meanOf], OPTIONS);
    expect(joined!.low).toBeCloseTo(wanted!.low, 12);
    expect(joined!.high).toBeCloseTo(wanted!.high, 12);
  });

  it('is a point where nothing varies, and none where resamples give no number', () => {
    const flat: Summands = { width: 2, rows: Float64Array.from([1, 2, 1, 2, 1, 2]) };
    expect(bootstrapIntervals(flat, [meanOf], OPTIONS)).toEqual([{ low: 2, high: 2 }]);
    expect(bootstrapIntervals(flat, [{ ...meanOf, value: () => NaN }], OPTIONS)).toEqual([undefined]);
  });
});
