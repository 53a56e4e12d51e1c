import { describe, expect, it } from '@jest/globals';
import { shrunken, singleSummands, SINGLE_ESTIMATORS, totals, type SingleName } from './estimators.js';
import type { Rounds } from './rounds.js';

const rounds = (weight: number[], reward: number[], chosen: number[], value: number[], stands?: number[]): Rounds => ({
  decisions: weight.length,
  positions: 1,
  stands: Float64Array.from(stands ?? weight.map(() => 1)),
  total: Float64Array.from(reward),
  ends: Float64Array.from(weight.map((_, d) => d + 1)),
  weight: Float64Array.from(weight),
  reward: Float64Array.from(reward),
  position: new Float64Array(weight.length),
  model: { chosen: Float64Array.from(chosen), value: Float64Array.from(value) },
});
const estimateAll = (log: Rounds, clip = 3, tau = 2, lambda = 5): Record<SingleName, number> => {
  const sums = totals(singleSummands(log, { clip, tau, lambda }));
  return Object.fromEntries(SINGLE_ESTIMATORS.map((e) => [e.name, e.value(sums)])) as Record<SingleName, number>;
};

describe('estimators of one choice', () => {
  const log = rounds([0.5, 1, 4], [1, 0, 2], [0.4, 0.2, 1.5], [0.3, 0.6, 0.9]);

  it('are what their formulas say', () => {
    const found = estimateAll(log);
    const residuals = [0.5 * 0.6, 1 * -0.2, 4 * 0.5];
    const dm = (0.3 + 0.6 + 0.9) / 3;
    expect(found.IPS).toBeCloseTo((0.5 + 8) / 3, 12);
    expect(found.SNIPS).toBeCloseTo(8.5 / 5.5, 12);
    expect(found['clipped IPS']).toBeCloseTo((0.5 + 3 * 2) / 3, 12);
    expect(found.DM).toBeCloseTo(dm, 12);
    expect(found.DR).toBeCloseTo(dm + (residuals[0]! + residuals[1]! + residuals[2]!) / 3, 12);
    expect(found.SNDR).toBeCloseTo(dm + (residuals[0]! + residuals[1]! + residuals[2]!) / 5.5, 12);
    expect(found['Switch-DR']).toBeCloseTo(dm + (residuals[0]! + residuals[1]!) / 3, 12);
    const shrunk = [0.5, 1, 4].map((w) => (5 * w) / (w * w + 5));
    expect(found.DRos).toBeCloseTo(dm + (shrunk[0]! * 0.6 - shrunk[1]! * 0.2 + shrunk[2]! * 0.5) / 3, 12);
  });

  it('count a decision of a thinned log as often as it stands for', () => {
    const thinned = estimateAll(rounds([0.5, 4], [1, 2], [0.4, 1.5], [0.3, 0.9], [3, 1]));
    const whole = estimateAll(rounds([0.5, 0.5, 0.5, 4], [1, 1, 1, 2], [0.4, 0.4, 0.4, 1.5], [0.3, 0.3, 0.3, 0.9]));
    for (const { name } of SINGLE_ESTIMATORS)
      expect(thinned[name as SingleName]).toBeCloseTo(whole[name as SingleName], 12);
  });

  it('meet at the ends of their thresholds', () => {
    const wide = estimateAll(log, Infinity, Infinity, Infinity);
    expect([wide['Switch-DR'], wide.DRos, wide['clipped IPS']]).toEqual([wide.DR, wide.DR, wide.IPS]);
    const none = estimateAll(log, Infinity, -1, 0);
    expect([none['Switch-DR'], none.DRos]).toEqual([none.DM, none.DM]);
    expect(shrunken(0, 0)).toBe(0);
  });

  it('IPS and DR have the target’s value for their mean, whatever the reward model says', () => {
    // Two actions, all outcomes weighed by their probabilities: logging (0.8, 0.2), target (0.3, 0.7).
    const [logging, target, rates, model] = [
      [0.8, 0.2],
      [0.3, 0.7],
      [0.1, 0.6],
      [0.9, 0.2],
    ];
    const value = target![0]! * model![0]! + target![1]! * model![1]!;
    let [ips, dr] = [0, 0];
    for (const a of [0, 1])
      for (const r of [0, 1]) {
        const chance = logging![a]! * (r === 1 ? rates![a]! : 1 - rates![a]!);
        const found = estimateAll(rounds([target![a]! / logging![a]!], [r], [model![a]!], [value]));
        ips += chance * found.IPS;
        dr += chance * found.DR;
      }
    const truth = 0.3 * 0.1 + 0.7 * 0.6;
    expect(ips).toBeCloseTo(truth, 12);
    expect(dr).toBeCloseTo(truth, 12);
  });
});
