import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SumTree } from './sum-tree.js';

const numbers = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });
const filled = (values: readonly number[]): SumTree => {
  const tree = new SumTree(values.length);
  for (const [i, value] of values.entries()) tree.set(i, value);
  return tree;
};

describe('the sum tree', () => {
  it('finds the index in whose share a mass lies', () => {
    const tree = filled([2, 0, 3, 1]);
    expect(tree.total).toBe(6);
    expect([0, 1.9, 2, 4.9, 5, 5.9].map((mass) => tree.find(mass))).toEqual([0, 0, 2, 2, 3, 3]);
  });

  it('never finds what has no share, however the mass is rounded', () => {
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, u) => {
        const tree = filled(values);
        fc.pre(tree.total > 0);
        const found = tree.find(u * tree.total);
        expect(values[found]).toBeGreaterThan(0);
      }),
    );
  });

  it('depends on its numbers alone, not on the order in which they came', () => {
    fc.assert(
      fc.property(numbers, numbers, (first, last) => {
        const changed = filled(first);
        for (const [i, value] of last.entries()) if (i < first.length) changed.set(i, value);
        const fresh = filled(first.map((value, i) => last[i] ?? value));
        expect(changed.total).toBe(fresh.total);
      }),
    );
  });
});
