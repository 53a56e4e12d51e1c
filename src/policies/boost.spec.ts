import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Candidate } from '../messages/decisions.js';
import { withBoost } from './boost.js';
import type { DecisionContext, Policy } from './policy.js';
import { assertDistribution } from './sampling.js';

const CONTEXT = {} as DecisionContext;
const named = (n: number): Candidate[] =>
  Array.from({ length: n }, (_, i) => ({ id: `${i}`, features: {}, nonPersonal: true }));
const giving = (distribution: readonly number[]): Policy => ({
  ref: { id: 'p', version: 1 },
  distribution: () => distribution,
  scores: (_context, candidates) => candidates.map(() => 0.5),
  explain: () => [{ code: 'x', text: 'x' }],
});
const factors =
  (list: readonly number[]) =>
  ({ id }: Candidate): number =>
    list[Number(id)]!;

describe('a boosted policy', () => {
  test('multiplies odds: twice the factor is twice as likely against the others', () => {
    const policy = withBoost(giving([0.2, 0.3, 0.5]), factors([2, 1, 1]));
    const p = policy.distribution(CONTEXT, named(3));
    expect(p[0]).toBeCloseTo(0.4 / 1.2, 15);
    expect(p[1]! / p[2]!).toBeCloseTo(0.6, 15);
  });

  test('is a distribution, moves a boosted candidate up only, and leaves the others in proportion', () => {
    const weights = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(weights, fc.nat(), fc.double({ min: 1, max: 1000, noNaN: true }), (list, which, factor) => {
        const total = list.reduce((a, b) => a + b, 0);
        fc.pre(total > 1e-3);
        const base = list.map((w) => w / total);
        const at = which % base.length;
        const p = withBoost(giving(base), ({ id }) => (id === `${at}` ? factor : 1)).distribution(
          CONTEXT,
          named(base.length),
        );
        assertDistribution(p, base.length);
        const expected = base.map((x, i) => (i === at ? x * factor : x) / (1 + base[at]! * (factor - 1)));
        p.forEach((x, i) => expect(Math.abs(x - expected[i]!)).toBeLessThan(1e-12));
        expect(p[at]!).toBeGreaterThanOrEqual(base[at]! - 1e-12);
      }),
    );
  });

  test('stays the same to the last bit where nothing is boosted, and keeps what it never shows hidden', () => {
    const base = [0.1, 0.2, 0.7];
    expect(withBoost(giving(base), () => 1).distribution(CONTEXT, named(3))).toBe(base);
    expect(withBoost(giving([1, 0]), factors([1, 1000])).distribution(CONTEXT, named(2))).toEqual([1, 0]);
  });

  test('refuses factors that make no sense, and never scales what is no distribution into one', () => {
    for (const factor of [0, -1, NaN, Infinity]) {
      const policy = withBoost(giving([0.5, 0.5]), () => factor);
      expect(() => policy.distribution(CONTEXT, named(2))).toThrow(expect.objectContaining({ code: 'BOOST_FACTOR' }));
    }
    for (const wrong of [[0.5, 0.7], [1], [NaN, 1], [-1, 2]]) {
      const policy = withBoost(giving(wrong), factors([2, 1]));
      expect(() => policy.distribution(CONTEXT, named(2))).toThrow(
        expect.objectContaining({ code: 'POLICY_DISTRIBUTION' }),
      );
    }
  });
});
