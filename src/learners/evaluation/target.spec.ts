import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../kernel/random.js';
import type { Policy } from '../../policies/policy.js';
import { drawSlate } from '../../policies/sampling.js';
import type { LoggedDecision } from './logged.js';
import { FrequencyTarget, loggedTarget, policyTarget, uniformTarget } from './target.js';

const WEIGHTS: Readonly<Record<string, number>> = { a: 4, b: 3, c: 2, d: 1 };
const policy: Policy = {
  ref: { id: 'weighted', version: 3 },
  distribution: (_context, candidates) => {
    const total = candidates.reduce((sum, { id }) => sum + WEIGHTS[id]!, 0);
    return candidates.map(({ id }) => WEIGHTS[id]! / total);
  },
  scores: (_context, candidates) => candidates.map(({ id }) => WEIGHTS[id]!),
  explain: () => [],
};
const decision = (slate: readonly number[]): LoggedDecision => ({
  kind: 'list',
  id: 'd',
  context: {},
  actions: Object.keys(WEIGHTS).map((id) => ({ id, features: {} })),
  choices: slate.map((action, position) => ({
    position,
    action,
    propensity: 0.1,
    eligible: [0, 1, 2, 3].filter((i) => !slate.slice(0, position).includes(i)),
    reward: 0,
  })),
  reward: 0,
  weight: 1,
});

describe('policyTarget', () => {
  it.each([0, 0.2])('gives the propensities that the engine’s own sampling logs, with a floor of %s', (floor) => {
    const plain = [0.4, 0.3, 0.2, 0.1];
    const distribution = plain.map((p) => (1 - floor) * p + floor / 4);
    for (let seed = 1; seed <= 50; seed++) {
      const drawn = drawSlate({ distribution, floor, k: 3, random: seededRandom(seed), reask: () => [] });
      const answer = policyTarget(policy, floor).of(decision(drawn.map(({ index }) => index)));
      drawn.forEach(({ propensity }, k) => expect(answer[k]!.chosen).toBeCloseTo(propensity, 12));
      for (const { distribution: conditional } of answer)
        expect(conditional!.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
    }
  });

  it('asks the policy again where nothing of its distribution is left', () => {
    const sure: Policy = { ...policy, distribution: (_context, [, ...rest]) => [1, ...rest.map(() => 0)] };
    expect(
      policyTarget(sure)
        .of(decision([0, 2]))
        .map(({ chosen }) => chosen),
    ).toEqual([1, 0]);
    expect(
      policyTarget(sure)
        .of(decision([0, 1]))
        .map(({ chosen }) => chosen),
    ).toEqual([1, 1]);
  });

  it('refuses what is no distribution', () => {
    const broken: Policy = { ...policy, distribution: () => [0.5, NaN, 0, 0] };
    expect(() => policyTarget(broken).of(decision([0]))).toThrow(
      expect.objectContaining({ code: 'POLICY_DISTRIBUTION' }),
    );
  });
});

it('uniform and logged targets are what they are called', () => {
  expect(uniformTarget.of(decision([1, 0])).map(({ chosen }) => chosen)).toEqual([1 / 4, 1 / 3]);
  expect(loggedTarget.of(decision([1]))).toEqual([{ chosen: 0.1 }]);
});

it('a frequency target chooses as often as was chosen', () => {
  const target = new FrequencyTarget('f');
  for (const action of [0, 0, 0, 1]) target.add(decision([action]));
  expect(target.of(decision([0]))[0]).toEqual({ chosen: 0.75, distribution: [0.75, 0.25, 0, 0] });
  // Of position 2 it has seen nothing.
  expect(target.of(decision([0, 2]))[1]!.chosen).toBeCloseTo(1 / 3, 12);
});
