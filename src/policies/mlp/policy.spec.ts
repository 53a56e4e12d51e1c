import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EngineError } from '../../kernel/errors.js';
import { seededRandom } from '../../kernel/random.js';
import type { Candidate } from '../../messages/decisions.js';
import { sealArtifact } from '../artifact.js';
import { packFloats } from '../packed.js';
import type { DecisionContext } from '../policy.js';
import { LEARNED_FAMILIES } from '../registry/learned-families.js';
import { policyOf } from '../registry/policy-of.js';
import { Network, type DenseLayer } from './network.js';
import { packLayers } from './parameters.js';
import { MLP_Q_FAMILY, mlpQPolicy } from './policy.js';

const candidates = (...ids: string[]): Candidate[] => ids.map((id) => ({ id, features: {}, nonPersonal: true }));
const at = (observation?: readonly number[]): DecisionContext => ({
  surface: 's',
  subjectKind: 'rider',
  personalized: true,
  context: {},
  features: {},
  nowMs: 0,
  ...(observation === undefined ? {} : { observation }),
});
const layer = (inputs: number, outputs: number, weights: number[], bias: number[]): DenseLayer => ({
  inputs,
  outputs,
  weights: Float32Array.from(weights),
  bias: Float32Array.from(bias),
});
/** q(a) = max(0, x₀) + 1, q(b) = max(0, −x₀ + 2·x₁). */
const LAYERS = [layer(2, 2, [1, -1, 0, 2], [0, 0]), layer(2, 2, [1, 0, 0, 1], [1, 0])];
const PARAMETERS = {
  actions: ['a', 'b'],
  layers: packLayers(LAYERS),
  exploration: { kind: 'epsilon-greedy' as const, epsilon: 0.2 },
};
const policyWith = (part: object = {}) =>
  mlpQPolicy({ policy: { id: 'p', version: 1 }, parameters: { ...PARAMETERS, ...part } });

function randomLayers(seed: number, sizes: readonly number[]): DenseLayer[] {
  const random = seededRandom(seed);
  const draw = (length: number): number[] => Array.from({ length }, () => random.next() * 2 - 1);
  return sizes.slice(1).map((outputs, i) => layer(sizes[i]!, outputs, draw(sizes[i]! * outputs), draw(outputs)));
}

/** The same network in doubles, by the definition. */
function reference(layers: readonly DenseLayer[], input: readonly number[]): number[] {
  let values = [...input];
  for (const [l, { inputs, outputs, weights, bias }] of layers.entries()) {
    const sums = Array.from({ length: outputs }, (_, j) => {
      let sum = bias[j]!;
      for (let i = 0; i < inputs; i++) sum += values[i]! * weights[i * outputs + j]!;
      return sum;
    });
    values = l < layers.length - 1 ? sums.map((sum) => Math.max(0, sum)) : sums;
  }
  return values;
}

describe('a policy on the values of a network', () => {
  it('scores by the network and acts greedily but for ε', () => {
    const policy = policyWith();
    expect(policy.scores(at([1, 3]), candidates('a', 'b'))).toEqual([2, 5]);
    expect(policy.distribution(at([1, 3]), candidates('a', 'b'))).toEqual([0.1, 0.9]);
    expect(policy.distribution(at([1, 3]), candidates('b', 'a'))).toEqual([0.9, 0.1]);
    expect(policy.distribution(at([1, 3]), candidates('a'))).toEqual([1]);
  });

  it('gives candidates that it does not know their share of ε alone', () => {
    const policy = policyWith();
    const [a, b, other] = policy.distribution(at([1, 3]), candidates('a', 'b', 'x'));
    expect(a).toBeCloseTo(0.2 / 3, 12);
    expect(b).toBeCloseTo(0.8 + 0.2 / 3, 12);
    expect(other).toBeCloseTo(0.2 / 3, 12);
    expect(policy.scores(at([1, 3]), candidates('a', 'b', 'x'))).toEqual([2, 5, 3.5]);
    expect(policy.distribution(at([1, 3]), candidates('x', 'y'))).toEqual([0.5, 0.5]);
    const soft = policyWith({ exploration: { kind: 'softmax', temperature: 1 } });
    const p = soft.distribution(at([1, 3]), candidates('x', 'a', 'b'));
    expect(p[0]).toBe(0);
    expect(p[2]! / p[1]!).toBeCloseTo(Math.exp(3), 9);
  });

  it('scales the observation', () => {
    const policy = policyWith({ observation: { scaling: { offset: [10, 0], scale: [0.5, 1] } } });
    expect(policy.scores(at([12, 3]), candidates('a', 'b'))).toEqual([2, 5]);
  });

  it.each([[undefined], [[]], [[1]], [[1, 2, 3]], [[Number.NaN, 0]], [[Infinity, 0]], [[1e39, 0]], [[-3e38, 3e38]]])(
    'lets the chain go on where the observation is %j',
    (observation) => {
      const policy = policyWith();
      for (const ask of [policy.distribution, policy.scores])
        expect(() => ask(at(observation), candidates('a'))).toThrow(
          expect.objectContaining({ code: 'POLICY_OBSERVATION', field: 'observation' }),
        );
    },
  );

  it('explains a value by the terms that it stands on', () => {
    const policy = policyWith({ observation: { terms: ['wait', 'surge'] }, counts: [3, 4] });
    const reasons = policy.explain(at([1, 3]), candidates('a', 'b'), 1);
    expect(reasons.map(({ code, contribution }) => [code, contribution])).toEqual([
      ['value', 5],
      ['observation.surge', 6],
      ['observation.wait', -1],
      ['trials', 4],
      ['exploitation', undefined],
    ]);
    expect(policy.explain(at([1, 3]), candidates('x', 'b'), 0).map(({ code }) => code)).toEqual(['untried']);
    expect(policy.explain(at([1, 3]), candidates('a', 'b'), 0).at(-1)?.code).toBe('exploration');
  });

  it('is accepted by the registry, which knows how long an observation to try it with', () => {
    const artifact = sealArtifact({
      schema: 1,
      family: MLP_Q_FAMILY,
      policy: { id: 'p', version: 1 },
      parameters: PARAMETERS,
      lineage: { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 0 },
    });
    expect(policyOf(artifact, LEARNED_FAMILIES).observationSize).toBe(2);
  });

  const [first, last] = PARAMETERS.layers as [(typeof PARAMETERS.layers)[0], (typeof PARAMETERS.layers)[0]];
  it.each<[string, object]>([
    ['actions', { actions: [] }],
    ['actions', { actions: ['a', 'a'] }],
    ['layers', { layers: [] }],
    ['layers.1.weights.shape', { actions: ['a', 'b', 'c'] }],
    ['layers.0.bias.shape', { layers: [{ ...first, bias: packFloats(Float32Array.of(1)) }, last] }],
    ['layers.0.weights.encoding', { layers: [{ ...first, weights: packFloats(new Float64Array(4), [2, 2]) }, last] }],
    ['layers.0.weights.shape', { layers: [{ ...first, weights: packFloats(new Float32Array(4)) }, last] }],
    ['layers.0.weights.data', { layers: [{ ...first, weights: { ...first.weights, data: 'AAAA' } }, last] }],
    ['layers.1.weights.shape', { layers: [first, { ...last, weights: packFloats(new Float32Array(6), [3, 2]) }] }],
    ['observation.terms', { observation: { terms: ['one'] } }],
    ['observation.scaling', { observation: { scaling: { offset: [0], scale: [1] } } }],
    ['observation.scaling.scale.0', { observation: { scaling: { offset: [0, 0], scale: [Infinity, 1] } } }],
    ['counts', { counts: [1] }],
    ['exploration.epsilon', { exploration: { kind: 'epsilon-greedy', epsilon: 2 } }],
    ['exploration.temperature', { exploration: { kind: 'softmax', temperature: 0 } }],
  ])('refuses parameters whose %s is wrong', (field, part) => {
    try {
      policyWith(part);
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError);
      expect(error).toMatchObject({ code: 'POLICY_PARAMETERS', field: `parameters.${field}` });
      return;
    }
    throw new Error('It was accepted.');
  });

  it('gives a distribution for any network, observation and candidates', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'x', 'y'), { minLength: 1 }),
        fc.constantFrom({ kind: 'epsilon-greedy', epsilon: 0.1 }, { kind: 'softmax', temperature: 0.3 }),
        (seed, observation, ids, exploration) => {
          const layers = packLayers(randomLayers(seed, [3, 5, 4, 3]));
          const policy = policyWith({ actions: ['a', 'b', 'c'], layers, exploration });
          const p = policy.distribution(at(observation), candidates(...ids));
          expect(p.every((one) => one >= 0)).toBe(true);
          expect(p.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 9);
          const swapped = policy.distribution(at(observation), candidates(...ids.toReversed()));
          for (const [i, one] of swapped.toReversed().entries()) expect(one).toBeCloseTo(p[i]!, 12);
        },
      ),
    );
  });
});

describe('the network', () => {
  it('computes what its definition says', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const layers = randomLayers(seed, [4, 16, 8, 3]);
      const network = new Network(layers);
      const input = [0.3 * seed, -1, 0, 2];
      const expected = reference(layers, input);
      for (const [j, value] of network.forward(input).entries()) expect(value).toBeCloseTo(expected[j]!, 4);
    }
  });

  it('splits an output into contributions that, with a constant, add up to it', () => {
    const layers = randomLayers(3, [4, 16, 8, 3]);
    const network = new Network(layers);
    const input = [0.3, -1, 0.5, 2];
    const near = input.map((x) => x * 1.0001);
    const total = network.contributions(input, 1).reduce((sum, one) => sum + one, 0);
    // Along the ray through the input the output is linear: its slope is the sum of the contributions.
    const slope = (reference(layers, near)[1]! - reference(layers, input)[1]!) / 0.0001;
    expect(total).toBeCloseTo(slope, 3);
  });
});
