import { describe, expect, it } from '@jest/globals';
import betainc from '@stdlib/math-base-special-betainc';
import normalCdf from '@stdlib/stats-base-dists-normal-cdf';
import fc from 'fast-check';
import { seededRandom, type Random } from '../../kernel/random.js';
import { winShares } from '../thompson/choice-probabilities.js';
import type { MeanPosterior } from './posterior.js';
import { studentTable } from './student-table.js';

type Arm = readonly [location: number, scale: number, freedom: number];

const posteriorOf = ([location, scale, freedom]: Arm): MeanPosterior => ({ location, scale, freedom });
const ours = (arms: readonly Arm[]): number[] => winShares(arms.map((arm) => studentTable(posteriorOf(arm))));

/** The distribution function by the incomplete beta function, and by the error function for the Normal. */
function exact([location, scale, freedom]: Arm, x: number): number {
  const z = (x - location) / scale;
  if (freedom === Infinity) return normalCdf(z, 0, 1);
  const tail = 0.5 * betainc(freedom / (freedom + z * z), freedom / 2, 0.5);
  return z > 0 ? 1 - tail : tail;
}

/** Midpoint rule over the exact distribution functions, on nodes that follow every arm far into its tails. */
function fine(arms: readonly Arm[]): number[] {
  const nodes: number[] = [];
  const steps = Math.max(40, Math.round(2000 / arms.length));
  for (const [location, scale, freedom] of arms) {
    const reach = freedom === Infinity ? 3 : 12;
    for (let k = -steps; k <= steps; k++) nodes.push(location + scale * Math.sinh((k / steps) * reach));
  }
  nodes.sort((x, y) => x - y);
  const cdf = nodes.map((x) => arms.map((arm) => exact(arm, x)));
  const wins = arms.map(() => 0);
  for (let k = 1; k < cdf.length; k++) {
    const mid = cdf[k]!.map((f, i) => (f + cdf[k - 1]![i]!) / 2);
    arms.forEach((_, i) => {
      const others = mid.reduce((product, f, j) => (j === i ? product : product * f), 1);
      wins[i]! += (cdf[k]![i]! - cdf[k - 1]![i]!) * others;
    });
  }
  const total = wins.reduce((x, y) => x + y, 0);
  return wins.map((w) => w / total);
}

const distance = (x: readonly number[], y: readonly number[]): number =>
  Math.max(...x.map((p, i) => Math.abs(p - y[i]!)));

const CASES: [name: string, arms: Arm[]][] = [
  ['two that are alike', [[0, 1, 4], [0, 1, 4]]],
  ['two Normals', [[0, 1, Infinity], [0.5, 2, Infinity]]],
  ['heavy tails against a sharp leader', [[1, 0.01, 500], [0, 1, 2], [0, 1, 2]]],
  ['heavy tails at different places', [[0, 1, 2], [3, 0.5, 2.5], [-2, 4, 3]]],
  ['a sharp arm in the middle of a wide one', [[0, 1e-6, Infinity], [0, 1, 4]]],
  ['two sharp arms that nearly tie', [[0.3, 1e-4, 9000], [0.3001, 1e-4, 9500]]],
  ['rewards in thousands', [[5000, 20, 12], [5010, 35, 7], [4900, 100, 4]]],
  ['ten of all widths', Array.from({ length: 10 }, (_, i): Arm => [0.3 + 0.02 * i, 0.5 / 2 ** i, 4 + 2 ** i])],
  ['thirty', Array.from({ length: 30 }, (_, i): Arm => [(i % 13) / 20, 0.05 + (i % 7) / 10, 4 + (i % 17)])],
]; // prettier-ignore

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

describe('choice probabilities of independent Student and Normal arms', () => {
  it.each(CASES)('agree with a fine quadrature: %s', (_, arms) => {
    expect(distance(ours(arms), fine(arms))).toBeLessThan(1e-3);
  });

  it('agree with sampling', () => {
    const arms: Arm[] = [[0.2, 0.3, 4], [0.5, 0.1, Infinity], [0.4, 0.2, 8]]; // prettier-ignore
    const random = seededRandom(7);
    const student = (freedom: number): number => {
      if (freedom === Infinity) return normal(random);
      let squares = 0;
      for (let i = 0; i < freedom; i++) squares += normal(random) ** 2;
      return normal(random) / Math.sqrt(squares / freedom);
    };
    const draws = 20_000;
    const wins = arms.map(() => 0);
    for (let d = 0; d < draws; d++) {
      const values = arms.map(([location, scale, freedom]) => location + scale * student(freedom));
      wins[values.indexOf(Math.max(...values))]!++;
    }
    // Four standard deviations of a share of 20,000.
    expect(distance(ours(arms), wins.map((w) => w / draws))).toBeLessThan(1.42e-2); // prettier-ignore
  });

  it('are a distribution whatever the scales, do not depend on order, and grow with the location', () => {
    const arm = fc.tuple(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: -12, max: 9, noNaN: true }).map((e) => 10 ** e),
      fc.oneof(fc.double({ min: 2, max: 1e6, noNaN: true }), fc.constant(Infinity)),
    );
    fc.assert(
      fc.property(fc.array(arm, { minLength: 1, maxLength: 12 }), (arms) => {
        const p = ours(arms);
        expect(Math.abs(p.reduce((x, y) => x + y, 0) - 1)).toBeLessThan(1e-9);
        expect(Math.min(...p)).toBeGreaterThanOrEqual(0);
        expect(distance(ours([...arms].reverse()).reverse(), p)).toBeLessThan(1e-9);
        const [first, ...others] = arms;
        const better = ours([[first![0] + first![1], first![1], first![2]], ...others]);
        expect(better[0]!).toBeGreaterThanOrEqual(p[0]! - 2e-3);
      }),
      { numRuns: 60, seed: 3 },
    );
  });
});

describe("the table of Student's t", () => {
  it.each([2, 2.5, 3, 4, 7.5, 30, 1000, 1e7, Infinity])('follows the exact distribution: %d degrees', (freedom) => {
    const table = studentTable({ location: 3, scale: 0.5, freedom });
    const nodes = Float64Array.from({ length: 801 }, (_, k) => 3 + 0.5 * Math.sinh((k - 400) / 50));
    const found = new Float64Array(nodes.length);
    table.tabulate(nodes, found);
    const worst = Math.max(...nodes.map((x, k) => Math.abs(found[k]! - exact([3, 0.5, freedom], x))));
    expect(worst).toBeLessThan(1e-4);
    expect(table.nodeOf(table.nodeAt(0.6))).toBeCloseTo(0.6, 12);
  });
});
