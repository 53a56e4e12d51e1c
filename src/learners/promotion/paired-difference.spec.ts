import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pairedDifference } from './paired-difference.js';

const distribution = (raw: readonly number[]): number[] => {
  const total = raw.reduce((sum, x) => sum + x, 0);
  return total > 0 ? raw.map((x) => x / total) : raw.map(() => 1 / raw.length);
};
const share = fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1, noNaN: true }));
const world = fc
  .integer({ min: 1, max: 6 })
  .chain((n) => {
    const vector = fc.array(share, { minLength: n, maxLength: n });
    const limit = fc.record({
      weight: fc.double({ min: 1, max: 40, noNaN: true }),
      loss: fc.double({ min: 0.1, max: 40, noNaN: true }),
    });
    return fc.tuple(vector, vector, vector, vector, limit);
  })
  .map(([mu, candidate, reference, rewards, limits]) => ({
    mu: distribution(mu),
    candidate: distribution(candidate),
    reference: distribution(reference),
    rewards,
    limits,
  }));
const dot = (xs: readonly number[], ys: readonly number[]): number => xs.reduce((sum, x, i) => sum + x * ys[i]!, 0);

describe('the paired difference', () => {
  it('never favours the candidate in the mean, whatever is cut and whatever could not be chosen, and keeps its bounds', () => {
    fc.assert(
      fc.property(world, ({ mu, candidate, reference, rewards, limits }) => {
        let mean = 0;
        mu.forEach((propensity, chosen) => {
          if (propensity === 0) return;
          const input = { propensities: mu, chosen, reward: rewards[chosen]! };
          const { value } = pairedDifference(input, candidate, reference, limits);
          expect(value).toBeGreaterThanOrEqual(-(limits.loss + 1));
          expect(value).toBeLessThanOrEqual(limits.weight);
          mean += propensity * value;
        });
        expect(mean).toBeLessThanOrEqual(dot(candidate, rewards) - dot(reference, rewards) + 1e-9);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it.each([0.2, 10])(
    'is unbiased where no weight is cut, whatever a decision may say against the candidate: %s',
    (loss) => {
      const mu = [0.5, 0.3, 0.2];
      const candidate = [0.1, 0.1, 0.8];
      const reference = [0.6, 0.3, 0.1];
      const rewards = [0.2, 0.5, 0.9];
      const mean = mu.reduce((sum, propensity, chosen) => {
        const { value, unsupported, clipped } = pairedDifference(
          { propensities: mu, chosen, reward: rewards[chosen]! },
          candidate,
          reference,
          { weight: 10, loss },
        );
        expect([unsupported, clipped]).toEqual([0, false]);
        return sum + propensity * value;
      }, 0);
      expect(mean).toBeCloseTo(dot(candidate, rewards) - dot(reference, rewards), 12);
    },
  );

  it('is 0 on every decision where the policies agree', () => {
    const same = [0.25, 0.75];
    for (const chosen of [0, 1]) {
      const { value } = pairedDifference({ propensities: [0.5, 0.5], chosen, reward: 1 }, same, same, {
        weight: 5,
        loss: 2,
      });
      expect(value).toBe(0);
    }
  });

  it('counts what the reference does and nobody tried as earning everything', () => {
    const input = { propensities: [1, 0], chosen: 0, reward: 1 };
    const limits = { weight: 10, loss: 2 };
    expect(pairedDifference(input, [1, 0], [0, 1], limits)).toEqual({ value: 0, unsupported: 1, clipped: false });
  });
});
