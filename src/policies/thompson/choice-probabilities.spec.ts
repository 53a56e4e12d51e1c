import { describe, expect, it } from '@jest/globals';
import betainc from '@stdlib/math-base-special-betainc';
import fc from 'fast-check';
import { seededRandom } from '../../kernel/random.js';
import { betaTable } from './beta-table.js';
import { choiceProbabilities } from './choice-probabilities.js';

type Arm = readonly [alpha: number, beta: number];

const ours = (arms: readonly Arm[]): number[] => [
  ...choiceProbabilities(arms.map(([a, b]) => ({ table: betaTable(a, b), count: 1 }))),
];

/** Midpoint rule over the exact distribution functions, on a grid that is finer than any arm here is narrow. */
function fine(arms: readonly Arm[]): number[] {
  const steps = 6000;
  const spread = arms.map(([a, b]) => 0.5 / Math.sqrt(a + b));
  const centre = arms.map(([a, b]) => Math.asin(Math.sqrt(a / (a + b))));
  const nodes = new Set<number>([0, Math.PI / 2]);
  arms.forEach((_, i) => {
    for (let k = 0; k <= steps / arms.length; k++) {
      const node = centre[i]! + spread[i]! * 9 * ((2 * k * arms.length) / steps - 1);
      if (node > 0 && node < Math.PI / 2) nodes.add(node);
    }
  });
  const cdf = [...nodes]
    .sort((x, y) => x - y)
    .map((theta) => arms.map(([a, b]) => betainc(Math.sin(theta) ** 2, a, b)));
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
  [
    'two unknown arms',
    [
      [1, 1],
      [1, 1],
    ],
  ],
  [
    'an unknown and a poor arm',
    [
      [1, 1],
      [2, 20],
    ],
  ],
  [
    'a sharp arm in the middle of a wide one',
    [
      [50_000, 50_000],
      [1, 1],
    ],
  ],
  [
    'two sharp arms that nearly tie',
    [
      [100_000, 900_000],
      [100_300, 899_700],
    ],
  ],
  [
    'a sharp leader among unknown arms',
    [
      [90_000, 10_000],
      [1, 1],
      [1, 1],
      [3, 2],
    ],
  ],
  [
    "Jeffreys' prior",
    [
      [0.5, 0.5],
      [0.5, 5.5],
      [4.5, 0.5],
    ],
  ],
  [
    'rare successes',
    [
      [1, 1000],
      [3, 2500],
      [1, 20],
      [11, 9000],
    ],
  ],
  ['ten arms', Array.from({ length: 10 }, (_, i): Arm => [2 + i * 3, 40 - i])],
  ['ten arms of all widths', Array.from({ length: 10 }, (_, i): Arm => [3 ** i * 0.5, 3 ** i])],
  ['sixty arms', Array.from({ length: 60 }, (_, i): Arm => [1 + (i % 13), 2 + (i % 17)])],
];

describe('choice probabilities of independent Beta arms', () => {
  it.each(CASES)('agree with a fine quadrature: %s', (_, arms) => {
    expect(distance(ours(arms), fine(arms))).toBeLessThan(1e-3);
  });

  it('agree with sampling', () => {
    // Beta(a, b) of whole a, b is the a-th smallest of a+b−1 uniforms.
    const arms: Arm[] = [
      [3, 4],
      [2, 2],
      [5, 6],
      [1, 3],
    ];
    const random = seededRandom(7);
    const draws = 40_000;
    const wins = arms.map(() => 0);
    for (let d = 0; d < draws; d++) {
      const values = arms.map(([a, b]) => Array.from({ length: a + b - 1 }, () => random.next()).sort()[a - 1]!);
      wins[values.indexOf(Math.max(...values))]!++;
    }
    expect(
      distance(
        ours(arms),
        wins.map((w) => w / draws),
      ),
    ).toBeLessThan(9e-3);
  });

  it('are a distribution that grows with successes and does not depend on the order of the arms', () => {
    const count = fc.integer({ min: 1, max: 2_000_000 }).map((n) => n / 2);
    fc.assert(
      fc.property(fc.array(fc.tuple(count, count), { minLength: 2, maxLength: 12 }), (arms) => {
        const p = ours(arms);
        expect(Math.abs(p.reduce((x, y) => x + y, 0) - 1)).toBeLessThan(1e-9);
        expect(Math.min(...p)).toBeGreaterThanOrEqual(0);
        expect(distance(ours([...arms].reverse()).reverse(), p)).toBeLessThan(1e-9);
        const better = ours([[arms[0]![0] * 1.5, arms[0]![1]], ...arms.slice(1)]);
        expect(better[0]!).toBeGreaterThanOrEqual(p[0]! - 2e-3);
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it('give members of a group what single arms with that posterior would get', () => {
    const grouped = choiceProbabilities([
      { table: betaTable(1, 1), count: 3 },
      { table: betaTable(4, 2), count: 1 },
    ]);
    const single = ours([
      [1, 1],
      [1, 1],
      [1, 1],
      [4, 2],
    ]);
    expect(Math.abs(grouped[0]! - single[0]!)).toBeLessThan(1e-3);
    expect(grouped[0]! * 3 + grouped[1]!).toBeCloseTo(1, 12);
  });
});

describe('the table of a Beta distribution', () => {
  it.each([
    [0.5, 0.5],
    [1, 1],
    [0.7, 3],
    [1, 1000],
    [20, 30],
    [123_456.25, 654_321.5],
  ])('follows the incomplete beta function: Beta(%d, %d)', (a, b) => {
    const table = betaTable(a, b);
    const nodes = Float64Array.from({ length: 501 }, (_, k) => table.low + ((table.high - table.low) * k) / 500);
    const found = new Float64Array(nodes.length);
    table.tabulate(nodes, found);
    const worst = Math.max(...nodes.map((theta, k) => Math.abs(found[k]! - betainc(Math.sin(theta) ** 2, a, b))));
    expect(worst).toBeLessThan(a < 1 || b < 1 ? 1e-3 : 1e-4);
  });
});
