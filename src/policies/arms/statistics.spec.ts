import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { merged, pooled, without, type Statistics } from './statistics.js';

const statisticsOf = (rewards: readonly number[]): Statistics => {
  const n = rewards.length;
  if (n === 0) return [0, 0, 0];
  const mean = rewards.reduce((a, b) => a + b, 0) / n;
  return [n, mean, rewards.reduce((sum, x) => sum + (x - mean) ** 2, 0)];
};
const rewards = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { maxLength: 40 });

function expectClose(found: Readonly<Statistics>, expected: Readonly<Statistics>): void {
  found.forEach((x, i) => expect(Math.abs(x - expected[i]!)).toBeLessThan(1e-6 * (1 + Math.abs(expected[i]!))));
}

describe('statistics of arms', () => {
  test('two bodies of evidence are one of all their rewards, and can be parted again', () => {
    fc.assert(
      fc.property(rewards, rewards, (x, y) => {
        const whole = merged(statisticsOf(x), 1, statisticsOf(y));
        expectClose(whole, statisticsOf([...x, ...y]));
        expectClose(without(whole, statisticsOf(y)), statisticsOf(x));
      }),
    );
  });

  test('a share of evidence weighs that share, and keeps its mean and its variance', () => {
    expectClose(merged([10, 3, 20], 0.5, [0, 0, 0]), [5, 3, 10]);
  });

  test('a segment starts from the others, shrunk to the weight of the prior', () => {
    expectClose(pooled([1000, 0.3, 200], [0, 0, 0], 20), [20, 0.3, 4]);
    // Less than that is taken as it is.
    expectClose(pooled([8, 0.3, 1], [0, 0, 0], 20), [8, 0.3, 1]);
    expectClose(pooled([8, 0.3, 1], [0, 0, 0], 0), [0, 0, 0]);
  });

  test('nothing counts twice: what the segment saw itself is not in what the others know', () => {
    fc.assert(
      fc.property(rewards, rewards, fc.integer({ min: 0, max: 30 }), (others, own, weight) => {
        const whole = statisticsOf([...others, ...own]);
        const found = pooled(whole, statisticsOf(own), weight);
        const share = others.length > weight ? weight / others.length : 1;
        expectClose(found, merged(statisticsOf(others), share, statisticsOf(own)));
        expect(found[0]).toBeLessThanOrEqual(own.length + weight + 1e-6);
      }),
    );
  });

  test('a segment that forgot less than the whole did has no negative others', () => {
    expect(pooled([3, 0.5, 1], [5, 0.6, 1], 10)).toEqual([5, 0.6, 1]);
    expect(without([5, 1, 0], [2, 1, 3])[2]).toBe(0);
  });
});
