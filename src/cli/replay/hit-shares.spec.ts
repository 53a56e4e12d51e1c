import { describe, expect, it } from '@jest/globals';
import { HitShares } from './hit-shares.js';

const counts = (of: Record<string, number>): Map<string, number> => new Map(Object.entries(of));
const guidance = (served: string[], byScore = served) => ({ served, byScore });

describe('HitShares', () => {
  it('counts the pickups that each ranking hit, over all scored hours', () => {
    const shares = new HitShares([1, 2]);
    shares.observe(counts({ a: 5, b: 3, c: 1 }));
    // Best in hindsight: c (6), then a (3). Popular so far: a, then b.
    shares.score(guidance(['c', 'b'], ['b', 'c']), counts({ a: 3, b: 1, c: 6 }));
    shares.observe(counts({ a: 3, b: 1, c: 6 }));
    // Popular so far: a (8), then c (7).
    shares.score(guidance(['z']), counts({ a: 10 }));
    expect(shares.hoursScored).toBe(2);
    expect(shares.pickupsScored).toBe(20);
    expect(shares.shares()).toEqual([
      { k: 1, served: 6 / 20, byScore: 1 / 20, popularity: 13 / 20, best: 16 / 20 },
      { k: 2, served: 7 / 20, byScore: 7 / 20, popularity: 14 / 20, best: 19 / 20 },
    ]);
  });

  it('leaves out hours without pickups, and those before which nothing was known', () => {
    const shares = new HitShares([1]);
    expect(shares.scores(counts({ a: 1 }))).toBe(false);
    shares.observe(counts({ a: 1 }));
    expect(shares.scores(counts({}))).toBe(false);
    expect(shares.scores(counts({ b: 1 }))).toBe(true);
    expect(() => shares.score(guidance(['a']), counts({}))).toThrow();
    expect(shares.shares()).toEqual([{ k: 1, served: 0, byScore: 0, popularity: 0, best: 0 }]);
  });

  it('breaks ties of popularity by the cell', () => {
    const shares = new HitShares([1]);
    shares.observe(counts({ b: 2, a: 2 }));
    shares.score(guidance([]), counts({ a: 1 }));
    expect(shares.shares()[0]).toMatchObject({ popularity: 1, served: 0, best: 1 });
  });
});
