import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { linearReasons } from './linear/reasons.js';
import { armReasons } from './arms/parameters.js';
import type { DecisionContext } from './policy.js';
import { qTablePolicy } from './q-table/policy.js';
import { rounded } from './rounded.js';
import { softmaxScorePolicy } from './softmax-score/policy.js';

const HUGE = [1e308, -1e308, Number.MAX_VALUE, 1e306] as const;

describe('rounded', () => {
  it.each([
    [1.23456, 1.235],
    [-0.5, -0.5],
    [2 ** 60, 2 ** 60],
    [0, 0],
  ])('says %d as %d', (value, said) => expect(rounded(value)).toBe(said));

  it('is finite for every finite number, and never further off than half of a thousandth', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const off = Math.abs(rounded(value) - value);
        expect(off).toBeLessThanOrEqual(0.0005 + Math.abs(value) * Number.EPSILON);
      }),
    );
  });
});

describe('reasons in words', () => {
  const policy = { id: 'p', version: 1 };
  const candidate = (value: number) => [{ id: 'a', features: { demand: value }, nonPersonal: true }];
  const saysNothingInfinite = (reasons: readonly unknown[]) =>
    expect(JSON.stringify(reasons)).not.toMatch(/Infinity|NaN|null/);

  it.each(HUGE)('name numbers as large as %d', (value) => {
    const scored = softmaxScorePolicy({ policy, parameters: { feature: 'demand', temperature: 1 } });
    saysNothingInfinite(scored.explain({} as DecisionContext, candidate(value), 0));
    const exploration = { kind: 'softmax', temperature: 1 };
    const table = qTablePolicy({ policy, parameters: { q: { s: { a: value } }, exploration } });
    saysNothingInfinite(table.explain({ state: 's' } as DecisionContext, candidate(value), 0));
    saysNothingInfinite(armReasons([{ mean: value, trials: 3 }], 0));
    const standing = {
      mean: value,
      expected: value,
      link: 'identity',
      contributions: [],
      trials: 3,
      best: true,
    } as const;
    for (const uncertainty of [0, 1, 1e307, Number.MAX_VALUE]) {
      saysNothingInfinite(linearReasons({ ...standing, uncertainty }));
    }
  });
});
