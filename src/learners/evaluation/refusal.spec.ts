import { describe, expect, it } from '@jest/globals';
import { SINGLE_ESTIMATORS } from './estimators.js';
import { LIST_ESTIMATORS } from './slate-estimators.js';
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
const sound: Grounds = {
  decisions: 1000,
  events: 50,
  constant: false,
  unsupported: 0,
  unseen: 0,
  bad: 0,
  guessed: 0,
};
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
    ['ESTIMATE_ONE_WEIGHT', [...evenly, 136], {}],
    ['ESTIMATE_WEIGHTS_MEAN', evenly.map((w) => 0.8 * w), {}],
    // All alike, as from one wrong propensity: there is no spread to measure by, and no chance to blame.
    ['ESTIMATE_WEIGHTS_MEAN', evenly.map(() => 20 / 3), {}],
    ['ESTIMATE_WEIGHTS_MEAN', evenly.map(() => 1 / 3), {}],
    ['ESTIMATE_WEIGHTS_MEAN', evenly.map(() => 0.955), {}],
    ['ESTIMATE_WEIGHTS_MEAN', evenly.map((_, i) => (i % 2 === 0 ? 0.95 : 0.96)), {}],
    ['ESTIMATE_BAD_LINES', evenly, { bad: 0.06 }],
    ['ESTIMATE_TARGET_UNKNOWN', evenly, { guessed: 0.06 }],
  ])('refuses with %s', (code, weights, grounds) => {
    expect(of(weights, grounds)).toBe(code);
  });

  it.each<[string, Partial<Grounds>]>([
    ['ESTIMATE_TOO_FEW_DECISIONS', { decisions: NaN }],
    ['ESTIMATE_TOO_FEW_REWARDS', { events: NaN }],
    ['ESTIMATE_BAD_LINES', { bad: NaN }],
    ['ESTIMATE_TARGET_UNKNOWN', { guessed: NaN }],
    ['ESTIMATE_NO_SUPPORT', { unsupported: NaN }],
  ])('refuses with %s what is no number', (code, grounds) => {
    expect(of(evenly, grounds)).toBe(code);
  });

  it.each(['effectiveSampleSize', 'maxShare', 'mean', 'meanZ'] as const)(
    'refuses weights whose %s is no number',
    (name) => {
      const weights = { ...weightDiagnostics(roundsOf(evenly), 'choice', 20), mean: 2, meanZ: 9, [name]: NaN };
      expect(refusalOf(ips!, weights, sound)).toBeDefined();
    },
  );

  it.each([1e159, 1e300, Infinity])('refuses weights of %f', (weight) => {
    expect(of(evenly.map(() => weight))).toBeDefined();
    expect(of(evenly.map((w, i) => (i < 500 ? w : weight)))).toBeDefined();
  });

  it('takes propensities of two digits', () => {
    expect(of(evenly.map(() => 1 / 3 / 0.33))).toBeUndefined();
  });

  it('judges a rare position alike, whatever the last digits of its propensities', () => {
    // 200 decisions with a first position, 6 of them with a second one, all of even weight.
    const rare = (second: number): Rounds => ({
      ...roundsOf([]),
      decisions: 200,
      positions: 2,
      ends: Float64Array.from({ length: 200 }, (_, d) => d + 1 + Math.min(d + 1, 6)),
      stands: new Float64Array(200).fill(1),
      weight: new Float64Array(206).fill(1).map((w, c) => (c < 12 && c % 2 === 1 ? second : w)),
      position: new Float64Array(206).map((_, c) => (c < 12 && c % 2 === 1 ? 1 : 0)),
    });
    for (const second of [1, 1 - 1e-8, 1 + 1e-8, 1 / 3 / 0.33333334])
      expect(weightDiagnostics(rare(second), 'each', 20)).toMatchObject({
        count: 200,
        maxShare: expect.closeTo(0.005, 6) as unknown,
      });
    // And a position that is rare and wrong is seen beside one that is common and right.
    expect(refusalOf(LIST_ESTIMATORS[2]!, weightDiagnostics(rare(3), 'each', 20), sound)?.code).toBe(
      'ESTIMATE_WEIGHTS_MEAN',
    );
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
