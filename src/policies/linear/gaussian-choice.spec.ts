import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import cdf from '@stdlib/stats-base-dists-normal-cdf';
import { normals } from '../../../test/support/matrices.js';
import { seededRandom } from '../../kernel/random.js';
import { GaussianChoice } from './gaussian-choice.js';

const choose = (means: readonly number[], deviations: readonly number[]): number[] =>
  new GaussianChoice().probabilities(Float64Array.from(means), Float64Array.from(deviations), means.length);

/** The same by brute force: midpoints of every arm's own fine grid, all of them merged, with the library's Φ. */
function fineQuadrature(means: readonly number[], deviations: readonly number[]): number[] {
  const grid = means.flatMap((mean, j) =>
    Array.from({ length: 321 }, (_, k) => mean + deviations[j]! * (k - 160) * 0.05),
  );
  grid.sort((x, y) => x - y);
  const lowest = Math.max(...means.map((mean, i) => mean - 8 * deviations[i]!));
  const shares = means.map(() => 0);
  for (let c = 1; c < grid.length; c++) {
    const [from, to] = [grid[c - 1]!, grid[c]!];
    if (to <= lowest || to === from) continue;
    const middle = (from + to) / 2;
    const below = means.map((mean, i) => cdf(middle, mean, deviations[i]!));
    const all = below.reduce((product, p) => product * p, 1);
    for (let i = 0; all > 1e-12 && i < means.length; i++)
      shares[i]! += (all / below[i]!) * (cdf(to, means[i]!, deviations[i]!) - cdf(from, means[i]!, deviations[i]!));
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

describe('choice probabilities of Gaussian arms', () => {
  it.each([
    ['of one kind', 1, 0],
    ['of similar widths', 1, 0.3],
    ['of widths an order of magnitude apart', 1, 2],
    ['of widths many orders of magnitude apart', 1, 4],
    ['that hardly differ', 0.01, 0.1],
  ])('are within 1e-4 of a fine quadrature for arms %s', (_, spread, log) => {
    const random = seededRandom(11);
    for (const count of [2, 5, 12]) {
      const means = [...normals(random, count)].map((value) => spread * value);
      const deviations = [...normals(random, count)].map((value) => Math.exp(log * value));
      const exact = fineQuadrature(means, deviations);
      choose(means, deviations).forEach((p, i) => expect(Math.abs(p - exact[i]!)).toBeLessThan(1e-4));
    }
  });

  it('know what two arms do in closed form', () => {
    for (const [mean, deviation] of [
      [0.3, 1],
      [2, 0.1],
      [-1, 5],
      [3, 1],
    ] as const) {
      const [p] = choose([mean, 0], [deviation, 1]);
      expect(p).toBeCloseTo(cdf(mean / Math.hypot(deviation, 1), 0, 1), 4);
    }
  });

  it('share equally between arms that are alike, also where nothing is uncertain', () => {
    for (const p of choose(new Array<number>(7).fill(0.2), new Array<number>(7).fill(3)))
      expect(p).toBeCloseTo(1 / 7, 14);
    expect(choose([1, 1, 0], [0, 0, 0])).toEqual([0.5, 0.5, 0]);
    expect(choose([0, 0], [0, 0])).toEqual([0.5, 0.5]);
    expect(choose([4], [2])).toEqual([1]);
  });

  it.each([Number.NaN, Infinity, 1e300])('refuse scores such as %d instead of computing for ever', (odd) => {
    expect(() => choose([0, odd], [1, 1])).toThrow(expect.objectContaining({ code: 'POLICY_DISTRIBUTION' }));
    expect(() => choose([0, 1], [1, odd])).toThrow(expect.objectContaining({ code: 'POLICY_DISTRIBUTION' }));
  });

  it('leave nothing to arms that can hardly win, and something to wide ones', () => {
    const [sure, hopeless, wide] = choose([10, 0, 0], [0.1, 0.1, 20]);
    expect(hopeless).toBe(0);
    expect(wide).toBeCloseTo(1 - cdf(10 / 20, 0, 1), 3);
    expect(sure! + wide!).toBeCloseTo(1, 12);
  });

  it('do not depend on the order of the arms, nor on what was computed before', () => {
    const choice = new GaussianChoice();
    const means = Float64Array.of(0.1, 0.5, -0.2, 0.3);
    const deviations = Float64Array.of(1, 0.2, 3, 0.5);
    const first = choice.probabilities(means, deviations, 4);
    choice.probabilities(Float64Array.of(5, 6), Float64Array.of(1, 1), 2);
    expect(choice.probabilities(means, deviations, 4)).toEqual(first);
    const turned = choice.probabilities(means.slice().reverse(), deviations.slice().reverse(), 4).reverse();
    turned.forEach((p, i) => expect(p).toBeCloseTo(first[i]!, 12));
  });

  it('are a distribution whatever the means and deviations', () => {
    const size = fc.double({ min: -1e12, max: 1e12, noNaN: true });
    const arm = fc.tuple(size, fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constant(0)));
    fc.assert(
      fc.property(fc.array(arm, { minLength: 1, maxLength: 30 }), (arms) => {
        const found = choose(
          arms.map(([mean]) => mean),
          arms.map(([, deviation]) => deviation),
        );
        expect(found.every((p) => p >= 0 && p <= 1 + 1e-12)).toBe(true);
        expect(found.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('are what sampling gives', () => {
    const random = seededRandom(4);
    const means = [...normals(random, 20)].map((value) => 0.5 * value);
    const deviations = [...normals(random, 20)].map((value) => 0.4 * Math.exp(0.3 * value));
    const wins = means.map(() => 0);
    const samples = 40_000;
    for (let s = 0; s < samples; s++) {
      const drawn = [...normals(random, 20)].map((value, i) => means[i]! + deviations[i]! * value);
      wins[drawn.indexOf(Math.max(...drawn))]!++;
    }
    // Six standard errors; twelve uniform numbers make no perfect normal one, but nearly so.
    choose(means, deviations).forEach((p, i) =>
      expect(Math.abs(p - wins[i]! / samples)).toBeLessThan(6 * Math.sqrt((p * (1 - p)) / samples) + 0.003),
    );
  });
});
