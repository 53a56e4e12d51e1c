import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assertDistribution } from '../sampling.js';
import type { DecisionContext } from '../policy.js';
import { popularityPolicy } from './policy.js';

const CONTEXT = {} as DecisionContext;
const make = (parameters: unknown) => popularityPolicy({ policy: { id: 'p', version: 1 }, parameters });
const candidate = (id: string, popularity?: number) => ({
  id,
  features: popularity === undefined ? {} : ({ popularity } as Record<string, number>),
  nonPersonal: true,
});

describe('popularityPolicy', () => {
  test('is in proportion to the smoothed counts', () => {
    const policy = make({ prior: 1 });
    expect(policy.distribution(CONTEXT, [candidate('a', 5), candidate('b', 2), candidate('c')])).toEqual([
      0.6, 0.3, 0.1,
    ]);
  });

  test('goes by what a learner has counted, and by the feature where it has not', () => {
    const policy = make({ prior: 1, counts: { a: 6 } });
    const asked = [candidate('a', 100), candidate('b', 2)];
    expect(policy.distribution(CONTEXT, asked)).toEqual([0.7, 0.3]);
    expect(policy.scores(CONTEXT, asked)).toEqual([6, 2]);
    expect(() => make({ counts: { a: -1 } })).toThrow('parameters.counts.a');
  });

  test('is a distribution over any counts, with something for everybody', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 40 }), (counts) => {
        const policy = make({});
        const distribution = policy.distribution(
          CONTEXT,
          counts.map((n, i) => candidate(`${i}`, n)),
        );
        assertDistribution(distribution, counts.length);
      }),
    );
  });
});
