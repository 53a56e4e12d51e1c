import { describe, expect, test } from '@jest/globals';
import { surfaceWith } from '../../test/support/user-actor.js';

const problemOf = (rules: unknown, overrides: object = {}): string => {
  try {
    surfaceWith({ rules, ...overrides });
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('the rules of a surface', () => {
  test('forbid by candidate and by category', () => {
    const { rules } = surfaceWith({ rules: { forbid: [{ candidate: 'a' }, { category: 'loud' }] } });
    expect(rules.forbids({ id: 'a' })).toBe(true);
    expect(rules.forbids({ id: 'b', category: 'loud' })).toBe(true);
    expect(rules.forbids({ id: 'loud', category: 'a' })).toBe(false);
    expect(rules.forbids({ id: '__proto__' })).toBe(false);
  });

  test('boost by candidate times category', () => {
    const boost = [
      { candidate: 'a', factor: 3 },
      { category: 'new', factor: 0.5 },
    ];
    const boostOf = surfaceWith({ rules: { boost } }).rules.boostOf!;
    expect(boostOf({ id: 'a', category: 'new' })).toBe(1.5);
    expect(boostOf({ id: 'b', category: 'new' })).toBe(0.5);
    expect(boostOf({ id: 'b' })).toBe(1);
  });

  test('are none where none are declared', () => {
    const { rules } = surfaceWith();
    expect(rules.boostOf).toBeUndefined();
    expect(rules.forbids({ id: 'a' })).toBe(false);
  });

  test.each([
    [{ forbid: [{}] }, 'rules.forbid.0: must name either'],
    [{ forbid: [{ candidate: 'a', category: 'b' }] }, 'rules.forbid.0: must name either'],
    [{ forbid: [{ candidate: 'a' }, { candidate: 'a' }] }, 'rules.forbid.1.candidate: a is forbidden twice'],
    [{ boost: [{ candidate: 'a', factor: 0 }] }, 'rules.boost.0.factor'],
    [{ boost: [{ candidate: 'a', factor: 1e9 }] }, 'rules.boost.0.factor'],
    [{ boost: [{ candidate: 'a', factor: NaN }] }, 'rules.boost.0.factor'],
    [{ boost: [{ candidate: 'a' }] }, 'rules.boost.0.factor'],
    [
      {
        boost: [
          { category: 'a', factor: 2 },
          { category: 'a', factor: 3 },
        ],
      },
      'rules.boost.1.category: a is boosted twice',
    ],
    [{ forbid: [{ candidate: 'a' }], boost: [{ candidate: 'a', factor: 2 }] }, 'forbidden and boosted'],
    [{ pin: [] }, 'rules'],
  ])('%j names the field at fault', (rules, problem) => {
    expect(problemOf(rules)).toContain(problem);
  });

  test('a candidate is not pinned and forbidden', () => {
    const slate = { k: 1, max: 5, pins: [{ candidate: 'a', position: 0 }] };
    expect(problemOf({ forbid: [{ candidate: 'a' }] }, { slate })).toBe(
      'rules.forbid.0.candidate: a is pinned and forbidden',
    );
  });
});
