/** Off-policy evaluation reads rewards as the fold made them. */
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readAttune } from '../../learners/evaluation/log/attune.js';
import { COMBINES } from '../../messages/rewards.js';
import { reactionsOf } from './pending.js';
import { addReaction, DEFAULT_REWARD } from './reward.js';

const BOUNDS = { min: -5, max: 10 };
const SLATE = [
  { id: 'b', propensity: 0.5 },
  { id: 'a', propensity: 0.6 },
];

it('an evaluated decision has earned what the fold says, and its choices add up to it, whatever the rule', () => {
  const signal = fc.record({ id: fc.constantFrom('a', 'b'), value: fc.integer({ min: -4, max: 8 }) });
  const signals = fc.array(signal, { minLength: 1, maxLength: 6 });
  const property = fc.property(signals, fc.constantFrom(...COMBINES), fc.boolean(), (given, combine, isTold) => {
    const settings = { ...DEFAULT_REWARD, ...BOUNDS, combine };
    const detail = { slate: SLATE } as never;
    const after = given.reduce(
      (reactions, { id: candidateId, value }) =>
        addReaction(reactions, detail, { type: 'reward', candidateId, value }, settings, 0),
      reactionsOf({ reactions: '' }),
    );
    const clamped = (value: number): number => Math.min(Math.max(value, BOUNDS.min), BOUNDS.max);
    const reward = clamped(after.reward!);
    const credits = after.items.map((one) => ({ id: one.id, reward: clamped(one.reward) }));
    const line = JSON.stringify({
      decisionId: 'd1',
      surface: 's',
      status: 'complete',
      slate: SLATE,
      eligible: ['a', 'b'],
      distribution: [0.5, 0.5],
      context: {},
      features: {},
      reward,
      rewardedId: after.rewardedId,
      ...(credits.length < 2 ? {} : { credits }),
    });
    const outcome = readAttune(line, BOUNDS, isTold ? combine : undefined);
    if (!('decision' in outcome)) throw new Error(outcome.skipped);
    const { decision } = outcome;
    expect(decision.reward).toBe(reward);
    expect(decision.choices.reduce((total, choice) => total + choice.reward!, 0)).toBeCloseTo(reward, 9);
  });
  fc.assert(property, { numRuns: 1000, seed: 23 });
});
