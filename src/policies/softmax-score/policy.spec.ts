import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assertDistribution } from '../sampling.js';
import type { DecisionContext } from '../policy.js';
import { softmaxScorePolicy } from './policy.js';

const CONTEXT = {} as DecisionContext;
const make = (temperature: number) =>
  softmaxScorePolicy({ policy: { id: 'p', version: 1 }, parameters: { feature: 's', temperature } });
const scored = (scores: readonly number[]) =>
  scores.map((s, i) => ({ id: `${i}`, features: { s }, nonPersonal: true }));

describe('softmaxScorePolicy', () => {
  test('a lead of one temperature makes a candidate e times as likely', () => {
    const [a, b] = make(2).distribution(CONTEXT, scored([5, 3]));
    expect(a! / b!).toBeCloseTo(Math.E, 12);
  });

  test('is a distribution, in the order of the scores, however far apart they are', () => {
    const scores = fc.array(fc.double({ min: -1e15, max: 1e15, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(scores, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (values, temperature) => {
        const distribution = make(temperature).distribution(CONTEXT, scored(values));
        assertDistribution(distribution, values.length);
        const best = values.indexOf(Math.max(...values));
        expect(distribution[best]).toBe(Math.max(...distribution));
      }),
    );
  });

  test('a candidate without the score counts as 0', () => {
    const candidates = [{ id: 'a', features: {}, nonPersonal: true }, ...scored([0])];
    expect(make(1).distribution(CONTEXT, candidates)).toEqual([0.5, 0.5]);
  });
});
