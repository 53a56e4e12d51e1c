import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../kernel/random.js';
import { assertDistribution, drawSlate, keyedRandom, type SlateDraw } from './sampling.js';

const uniformOver = (indices: readonly number[]): number[] => indices.map(() => 1 / indices.length);

const draw = (overrides: Partial<SlateDraw> & Pick<SlateDraw, 'distribution'>) =>
  drawSlate({ floor: 0, k: 1, random: seededRandom(1), reask: uniformOver, ...overrides });

const distributions = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 })
  .filter((weights) => weights.some((weight) => weight > 1e-3))
  .map((weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });

describe('drawSlate', () => {
  test('draws different items, each with a propensity in (0, 1], as many as asked for or there are', () => {
    fc.assert(
      fc.property(distributions, fc.integer({ min: 1, max: 15 }), fc.integer(), (distribution, k, seed) => {
        const slate = draw({ distribution, k, random: seededRandom(seed) });
        expect(slate).toHaveLength(Math.min(k, distribution.length));
        expect(new Set(slate.map(({ index }) => index)).size).toBe(slate.length);
        for (const { propensity } of slate) {
          expect(propensity).toBeGreaterThan(0);
          expect(propensity).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
    );
  });

  test('logs p(item | prefix): the distribution renormalised over what remains', () => {
    fc.assert(
      fc.property(distributions, fc.integer(), (distribution, seed) => {
        const slate = draw({ distribution, k: distribution.length, random: seededRandom(seed) });
        let remaining = 1;
        for (const { index, propensity } of slate) {
          if (remaining < 1e-6) break;
          expect(propensity).toBeCloseTo(distribution[index]! / remaining, 6);
          remaining -= distribution[index]!;
        }
      }),
    );
  });

  test('gives the same slate and the same propensities bit for bit from the same inputs', () => {
    fc.assert(
      fc.property(
        distributions,
        fc.string(),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (distribution, id, floor) => {
          const once = () =>
            draw({ distribution, floor, k: 5, random: keyedRandom(createSecretKey('key', 'utf8'), 'slate', id) });
          expect(once()).toEqual(once());
        },
      ),
    );
  });

  test('draws as often as the propensities say', () => {
    const distribution = [0.5, 0.3, 0.15, 0.05];
    const floor = 0.2;
    const mixed = distribution.map((p) => (1 - floor) * p + floor / 4);
    const random = seededRandom(7);
    const rounds = 40_000;
    const first = [0, 0, 0, 0];
    const pairs = new Map<string, { count: number; p: number }>();
    for (let i = 0; i < rounds; i++) {
      const [a, b] = draw({ distribution: mixed, floor, k: 2, random });
      first[a!.index]!++;
      const key = `${a!.index}${b!.index}`;
      const pair = pairs.get(key) ?? { count: 0, p: a!.propensity * b!.propensity };
      pair.count++;
      pairs.set(key, pair);
    }
    first.forEach((count, i) => expect(count / rounds).toBeCloseTo(mixed[i]!, 1.7));
    expect([...pairs.values()].reduce((sum, { p }) => sum + p, 0)).toBeCloseTo(1, 9);
    for (const { count, p } of pairs.values()) {
      const deviation = Math.sqrt((p * (1 - p)) / rounds);
      expect(Math.abs(count / rounds - p)).toBeLessThan(5 * deviation);
    }
  });

  test('asks again on the remaining candidates where next to nothing remains', () => {
    const asked: (readonly number[])[] = [];
    const slate = draw({
      distribution: [1, 0, 0],
      k: 3,
      reask: (indices) => {
        asked.push(indices.slice());
        return indices.map((_, i) => (i === 0 ? 1 : 0));
      },
    });
    expect(slate.map(({ index, propensity }) => [index, propensity])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(asked).toEqual([[1, 2], [2]]);
  });

  test('applies the floor at each position, not to what is left of the first', () => {
    const floor = 0.1;
    const greedy = (count: number) => Array.from({ length: count }, (_, i) => (i === 0 ? 0.9 : 0) + floor / count);
    const counts = [0, 0, 0, 0];
    const random = seededRandom(3);
    for (let i = 0; i < 2000; i++) {
      const slate = draw({ distribution: greedy(4), floor, k: 2, random, reask: (indices) => greedy(indices.length) });
      counts[slate[1]!.index]!++;
      for (const { propensity } of slate) expect(propensity).toBeGreaterThanOrEqual(floor / 4 - 1e-12);
    }
    // Second in order is second in the slate nine times in ten, not one time in three.
    expect(counts[1]! / 2000).toBeGreaterThan(0.85);
  });

  test('forces pinned positions and samples the others from the rest', () => {
    const slate = draw({
      distribution: [0.7, 0.2, 0.1],
      k: 3,
      pins: [{ position: 1, index: 0 }],
    });
    expect(slate[1]).toEqual({ index: 0, propensity: 1, forced: true });
    expect(slate.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
    expect([2 / 3, 1 / 3].some((p) => Math.abs(p - slate[0]!.propensity) < 1e-12)).toBe(true);
  });

  test('leaves the pinned item out also where its position is beyond the slate', () => {
    const slate = draw({ distribution: [0.5, 0.5], k: 1, pins: [{ position: 4, index: 0 }] });
    expect(slate[0]!.forced).toBe(false);
  });

  test('refuses a policy that has no answer for the remaining candidates', () => {
    const reask = () => [Number.NaN, Number.NaN];
    expect(() => draw({ distribution: [1, 0, 0], k: 2, reask })).toThrow('invalid distribution');
  });
});

describe('keyedRandom', () => {
  const first = (key: string, purpose: string, id: string) =>
    keyedRandom(createSecretKey(key, 'utf8'), purpose, id).next();

  test('depends on the key, the purpose and the decision', () => {
    const seen = [first('k', 'slate', 'd'), first('l', 'slate', 'd'), first('k', 'arm', 'd'), first('k', 'slate', 'e')];
    expect(new Set(seen).size).toBe(4);
    expect(first('k', 'slate', 'd')).toBe(seen[0]);
  });

  test('is uniform over decisions', () => {
    const counts = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 10_000; i++) counts[Math.floor(first('k', 'slate', `d${i}`) * 10)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

test.each([
  [[0.5, 0.6], 'sums to'],
  [[0.5, 0.500001], 'sums to'],
  [[1], 'entries for 2'],
  [[Number.NaN, 1], 'entry 0'],
  [[-0.1, 1.1], 'entry 0'],
  [[Infinity, 0], 'entry 0'],
])('assertDistribution refuses %j', (distribution, message) => {
  expect(() => assertDistribution(distribution, 2)).toThrow(message);
});
