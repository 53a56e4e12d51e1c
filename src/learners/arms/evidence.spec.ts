import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { betaEvidence, statisticsEvidence } from './evidence.js';

const beta = betaEvidence([1, 1], z.tuple([z.number(), z.number()]));

describe('evidence', () => {
  it('of successes, revised, is what it would have been had the outcome been known', () => {
    const revised = beta.fresh();
    const known = beta.fresh();
    beta.add(revised, 0.2, 1);
    beta.revise(revised, 0.2, 1);
    beta.add(known, 1, 1);
    expect(revised[0]).toBeCloseTo(known[0], 12);
    expect(revised[1]).toBeCloseTo(known[1], 12);
    expect(revised[0] + revised[1]).toBeCloseTo(3, 12);
  });

  it('of rewards has the mean and the squared differences of all of them', () => {
    const xs = [0.3, 0.9, -2, 4.5, 0.3];
    const evidence = statisticsEvidence.fresh();
    for (const x of xs) statisticsEvidence.add(evidence, x, 1);
    const mean = xs.reduce((sum, x) => sum + x, 0) / xs.length;
    expect(evidence[0]).toBe(xs.length);
    expect(evidence[1]).toBeCloseTo(mean, 12);
    expect(evidence[2]).toBeCloseTo(
      xs.reduce((sum, x) => sum + (x - mean) ** 2, 0),
      12,
    );
  });
});
