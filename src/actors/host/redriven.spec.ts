import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Redriven } from './redriven.js';

describe('the originals that were tried again', () => {
  it('are known exactly, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 })), (sequences) => {
        let redriven = new Redriven();
        const known = new Set<number>();
        for (const sequence of sequences) {
          expect(redriven.standing(sequence)).toBe(known.has(sequence) ? 'repeat' : 'new');
          redriven.add(sequence);
          known.add(sequence);
          redriven = new Redriven(...redriven.save());
        }
        for (let i = 1; i <= 40; i++) expect(redriven.standing(i)).toBe(known.has(i) ? 'repeat' : 'new');
      }),
    );
  });

  it('take no more room than their gaps', () => {
    const redriven = new Redriven();
    for (let i = 1; i <= 9_999; i += 2) redriven.add(i);
    for (let i = 2; i <= 10_000; i += 2) redriven.add(i);
    const [ranges, bottom] = redriven.save();
    expect(ranges.length).toBeLessThanOrEqual(4_096);
    expect(ranges.at(-1)?.[1]).toBe(10_000);
    expect(redriven.standing(10_000)).toBe('repeat');
    expect(bottom).toBeGreaterThan(0);
  });

  it('are refused where nothing is known of them any more, and never forgotten', () => {
    const redriven = new Redriven([], 0, 3);
    for (const sequence of [10, 20, 30, 40]) redriven.add(sequence);
    expect([5, 10, 11, 20, 40, 41].map((sequence) => redriven.standing(sequence))).toEqual([
      'unknown',
      'unknown',
      'new',
      'repeat',
      'repeat',
      'new',
    ]);
    redriven.add(5);
    expect(redriven.save()).toEqual([
      [
        [20, 20],
        [30, 30],
        [40, 40],
      ],
      10,
    ]);
  });
});
