import { describe, expect, it } from '@jest/globals';
import { SINGLE_ESTIMATORS } from './estimators.js';
import { refusalOf, type Grounds } from './refusal.js';
import type { Rounds } from './rounds.js';
import { weightDiagnostics } from './weights.js';

const roundsOf = (weights: readonly number[]): Rounds => ({
  decisions: weights.length,
  positions: 1,
  stands: new Float64Array(weights.length).fill(1),
  total: new Float64Array(weights.length),
  ends: Float64Array.from(weights.map((_, d) => d + 1)),
  weight: Float64Array.from(weights),
  reward: new Float64Array(weights.length),
  position: new Float64Array(weights.length),
});
const [ips, , , , dm] = SINGLE_ESTIMATORS;
const sound: Grounds = { decisions: 1000, events: 50, constant: false, unsupported: 0, unseen: 0 };
const evenly = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 0.5 : 1.5));
const of = (weights: readonly number[], grounds: Partial<Grounds> = {}, estimator = ips!): string | undefined =>
  refusalOf(estimator, weightDiagnostics(roundsOf(weights), estimator.weights, 20), { ...sound, ...grounds })?.code;

describe('weightDiagnostics', () => {
  it('tells how much of the log speaks', () => {
    expect(weightDiagnostics(roundsOf([4, 0, 0, 0]), 'choice', 3)).toMatchObject({
      count: 4,
      effectiveSampleSize: 1,
      mean: 1,
      max: 4,
      maxShare: 1,
      clippedShare: 0.25,
      clippedWeight: 0.25,
    });
    const even = weightDiagnostics(roundsOf(evenly), 'choice', 20);
    expect(even.effectiveSampleSize).toBeCloseTo(1000 / 1.25, 9);
    expect(even.meanZ).toBeCloseTo(0, 9);
  });
});

describe('refusalOf', () => {
  it('lets a sound estimate pass', () => {
    expect(of(evenly)).toBeUndefined();
    expect(of(evenly, {}, dm)).toBeUndefined();
  });

  it.each<[string, readonly number[], Partial<Grounds>]>([
    ['ESTIMATE_TOO_FEW_DECISIONS', evenly, { decisions: 29 }],
    ['ESTIMATE_TOO_FEW_REWARDS', evenly, { events: 4 }],
    ['ESTIMATE_NO_SUPPORT', evenly, { unsupported: 0.06 }],
    ['ESTIMATE_SAMPLE_SIZE', evenly.map((_, i) => (i < 20 ? 50 : 0)), {}],
    ['ESTIMATE_SAMPLE_SIZE', evenly.map(() => 0), {}],
    ['ESTIMATE_ONE_WEIGHT', [...evenly, 136], { unsupported: NaN }],
    ['ESTIMATE_WEIGHTS_MEAN', evenly.map((w) => 0.8 * w), {}],
  ])('refuses with %s', (code, weights, grounds) => {
    expect(of(weights, grounds)).toBe(code);
  });

  it('asks for no events where every reward is the same', () => {
    expect(of(evenly, { events: 0, constant: true })).toBeUndefined();
  });

  it('refuses the model alone for what the model lacks, and not for weights', () => {
    expect(of(evenly, { noModel: 'none was asked for' }, dm)).toBe('ESTIMATE_NO_MODEL');
    expect(of(evenly, { unseen: 0.2 }, dm)).toBe('ESTIMATE_UNSEEN_ACTIONS');
    expect(
      of(
        evenly.map(() => 0),
        {},
        dm,
      ),
    ).toBeUndefined();
  });
});
