import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DecisionContext } from './policy.js';
import { withFloor } from './floor.js';
import { staticPolicy } from './static/policy.js';

const CONTEXT: DecisionContext = {
  surface: 's',
  subjectKind: 'rider',
  personalized: true,
  context: {},
  features: {},
  nowMs: 0,
};

describe('withFloor', () => {
  const base = staticPolicy({ policy: { id: 'p', version: 2 }, parameters: { order: 'given' } });

  test('mixes the uniform distribution in', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.integer({ min: 1, max: 50 }), (epsilon, count) => {
        const candidates = Array.from({ length: count }, (_, i) => ({ id: `${i}`, features: {}, nonPersonal: true }));
        const mixed = withFloor(base, epsilon).distribution(CONTEXT, candidates);
        expect(mixed.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
        for (const p of mixed) expect(p).toBeGreaterThanOrEqual(epsilon / count);
      }),
    );
  });

  test('keeps the identity of the policy', () => {
    expect(withFloor(base, 0.1)).toMatchObject({ ref: { id: 'p', version: 2 }, floor: 0.1 });
  });

  test.each([-0.1, 1, Number.NaN])('refuses a floor of %d', (epsilon) => {
    expect(() => withFloor(base, epsilon)).toThrow('exploration floor');
  });
});
