import { describe, expect, it } from '@jest/globals';
import { gateSettingsSchema } from '../../src/learners/promotion/index.js';
import { betterBy, clopperPearsonUpper, EQUAL, judgeAll, RATCHET, worthOf } from '../support/promotion-world.js';

const settings = gateSettingsSchema.parse({
  alpha: 0.2,
  decisionsMin: 20,
  decisionsMax: 500,
  patience: 500,
  effectiveMin: 10,
});

/** A small part of bench/learning/promotion.ts. */
describe('the promotion gate by simulation', () => {
  it('lets through fewer of equal candidates than it says, though it is looked at after every decision', () => {
    expect(worthOf(EQUAL.candidate, EQUAL.world)).toBeCloseTo(worthOf(EQUAL.world.live, EQUAL.world), 12);
    let promoted = 0;
    for (let seed = 1; seed <= 60; seed++)
      promoted += judgeAll(settings, EQUAL.world, [EQUAL.candidate], seed).promoted;
    // At the stated 0.2 · 6/π² more than 14 of 60 come with a chance of 0.01.
    expect(promoted).toBeLessThanOrEqual(14);
  });

  it('lets a truly better one through', () => {
    const { world, candidate } = betterBy(0.09);
    expect(worthOf(candidate, world) - worthOf(world.live, world)).toBeCloseTo(0.09, 12);
    const long = gateSettingsSchema.parse({ ...settings, decisionsMax: 5000, patience: 5000 });
    for (let seed = 1; seed <= 3; seed++) expect(judgeAll(long, world, [candidate], seed).promoted).toBe(1);
  });

  it('refuses what is better than a degraded live policy and worse than the anchor', () => {
    const { world, candidate } = RATCHET;
    expect(worthOf(candidate, world)).toBeGreaterThan(worthOf(world.live, world));
    expect(worthOf(candidate, world)).toBeLessThan(worthOf(world.anchor!, world));
    for (let seed = 1; seed <= 10; seed++) expect(judgeAll(settings, world, [candidate], seed).promoted).toBe(0);
  });

  it('knows how sure a count is', () => {
    expect(clopperPearsonUpper(0, 100)).toBeCloseTo(1 - 0.05 ** 0.01, 6);
    expect(clopperPearsonUpper(5, 5)).toBe(1);
  });
});
