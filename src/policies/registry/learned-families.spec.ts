import { describe, expect, it } from '@jest/globals';
import type { Candidate } from '../../messages/decisions.js';
import { packFloats } from '../packed.js';
import type { DecisionContext } from '../policy.js';
import { LEARNED_FAMILIES } from './learned-families.js';

const record = <T>(count: number, of: (i: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`arm-${i}`, of(i)]));
const rows = (count: number, of: (i: number) => unknown) => ({
  arms: record(count, of),
  segments: { priorWeight: 5, arms: { 'hour=1': record(count, of), 'hour=2': record(3, of) } },
});
const statistics = (count: number) => rows(count, (i) => [i + 1, i / 10, i]);
const exploration = { kind: 'softmax', temperature: 0.5 };
/** One weight an arm and two that are shared, for `count` arms in no order. */
const linear = (count: number) => {
  const floats = (shape: number[], of: (i: number) => number) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return packFloats(
      Float64Array.from({ length: size }, (_, i) => of(i)),
      shape,
    );
  };
  const number = (name: string) => ({ kind: 'number', from: 'context', name });
  return {
    features: { arm: { terms: [{ kind: 'bias' }] }, shared: { terms: [number('x'), number('y')] } },
    covariance: 'full',
    precision: 1,
    beliefs: {
      ids: Object.keys(record(count, () => 0)).reverse(),
      counts: Array.from({ length: count }, (_, i) => i),
      weights: floats([count, 1], (i) => i / count),
      variances: floats([count, 1], (i) => 1 / (i + 1)),
      ties: floats([count, 0], () => 0),
      coupling: floats([count, 2], (i) => i / (10 * count)),
      shared: {
        count: 3,
        weights: floats([2], (i) => i - 0.5),
        variances: floats([2], () => 0.5),
        ties: floats([1], () => 0.1),
      },
    },
  };
};
const draws = packFloats(Float64Array.from([0.1, 0.2, -0.1, 0.3]), [2, 2]);

/** Parameters for so many arms, by family. */
const PARAMETERS: Record<string, (count: number) => unknown> = {
  'beta-thompson': (count) => ({ ...rows(count, (i) => [1 + i, 2]), prior: [1, 1] }),
  'q-table': (count) => ({
    q: { 'hour=1': record(count, (i) => i / 7), 'hour=2': record(3, (i) => -i) },
    counts: { 'hour=1': record(count, (i) => i) },
    exploration,
  }),
  'mlp-q': () => ({
    actions: ['arm-0', 'arm-1'],
    layers: [{ weights: packFloats(Float32Array.of(1, -1, 0.5, 2), [2, 2]), bias: packFloats(Float32Array.of(0, 1)) }],
    exploration,
    counts: [3, 4],
  }),
  'epsilon-greedy': (count) => ({ ...statistics(count), epsilon: 0.1 }),
  'gaussian-thompson': (count) => ({
    ...statistics(count),
    prior: { mean: 0, strength: 1 },
    noise: { kind: 'known', variance: 1 },
  }),
  softmax: (count) => ({ ...statistics(count), temperature: 2 }),
  ucb1: (count) => statistics(count),
  'lin-ucb': (count) => ({ ...linear(count), alpha: 1 }),
  'lin-ts': (count) => ({ ...linear(count), scale: 1, draws }),
  'logistic-thompson': (count) => ({ ...linear(count), scale: 0.5, draws }),
  popularity: (count) => ({ counts: record(count, (i) => i) }),
};

const policy = { id: 'p', version: 3 };
const candidates: Candidate[] = ['arm-1', 'new', 'arm-0'].map((id) => ({ id, features: {}, nonPersonal: true }));
const contexts: DecisionContext[] = ['hour=1', 'hour=2', 'hour=9', undefined].map((state) => ({
  surface: 's',
  subjectKind: 'rider',
  personalized: true,
  context: { x: 0.3, y: -1 },
  features: {},
  ...(state === undefined ? {} : { state }),
  observation: [0.5, -0.25],
  nowMs: 0,
}));

/** Objects, lists, texts and numbers in plain data; a typed array is one of them, whatever is in it. */
const piecesOf = (value: unknown): number =>
  typeof value !== 'object' || value === null || ArrayBuffer.isView(value)
    ? 1
    : Object.values(value).reduce<number>((sum, part) => sum + piecesOf(part), 1);

describe.each(Object.keys(LEARNED_FAMILIES))('the family %s', (name) => {
  const family = LEARNED_FAMILIES[name]!;

  it('decides the same whether it was compiled here or elsewhere', () => {
    const source = { policy, parameters: PARAMETERS[name]!(40) };
    const here = family(source);
    const there = family.install(policy, structuredClone(family.compile(source)));
    expect(there.ref).toEqual(policy);
    expect(there.observationSize).toBe(here.observationSize);
    for (const context of contexts) {
      expect(there.distribution(context, candidates)).toEqual(here.distribution(context, candidates));
      expect(there.scores(context, candidates)).toEqual(here.scores(context, candidates));
      for (const index of candidates.keys())
        expect(there.explain(context, candidates, index)).toEqual(here.explain(context, candidates, index));
    }
  });

  it('crosses threads in as many pieces for two thousand arms as for ten', () => {
    const pieces = [10, 2_000].map((count) =>
      piecesOf(family.compile({ policy, parameters: PARAMETERS[name]!(count) })),
    );
    expect(pieces[1]).toBe(pieces[0]);
  });

  it('is installed without a look at its arms', () => {
    const form = family.compile({ policy, parameters: PARAMETERS[name]!(2_000) });
    let looks = 0;
    /** Tells of every number that is read out of a typed array. */
    const watched = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(watched);
      if (!ArrayBuffer.isView(value))
        return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, watched(part)]));
      return new Proxy(value as object, {
        get: (target, key) => {
          if (typeof key === 'string' && /^\d+$/.test(key)) looks++;
          const found = Reflect.get(target, key, target) as unknown;
          return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
        },
      });
    };
    if (name !== 'mlp-q') family.install(policy, watched(form));
    expect(looks).toBe(0);
  });
});
