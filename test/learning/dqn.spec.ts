/** DQN on worlds small enough for every run of the tests; the measures themselves are bench/learning/dqn.ts. */
import { describe, expect, it } from '@jest/globals';
import { run } from '../../bench/learning/dqn-run.js';
import { seededRandom } from '../../src/kernel/random.js';
import { dqnConfigSchema, type DqnOptions } from '../../src/learners/dqn/config.js';
import { dqn } from '../../src/learners/dqn/learner.js';
import { dqnOptionsFor } from '../../src/learners/dqn/presets.js';
import { createEnvironment } from '../../src/learners/environments/create-environment.js';
import type { Experience } from '../../src/messages/decisions.js';
import { mlpQPolicy } from '../../src/policies/mlp/policy.js';
import { experience } from '../support/learning.js';
import { candidatesOf, contextOf } from './closed-loop.js';

/**
 * Five places in a row. To the left of the first 0.2 is earned at once, to the right of the last 1: from everywhere the
 * way to the right is worth more, though it pays nothing for long. Places are one-hot.
 */
const PLACES = 5;
const ACTIONS = ['left', 'right'];
const DISCOUNT = 0.9;
const place = (at: number): number[] => Array.from({ length: PLACES }, (_, i) => (i === at ? 1 : 0));
/** Where nobody may go left, in the masked variant. */
const CLIFF = 3;

function wander(steps: number, seed: number, masked: boolean): Experience[] {
  const world = seededRandom(seed);
  const eligible = (at: number): string[] => (masked && at === CLIFF ? ['right'] : ACTIONS);
  let [at, episode, step] = [2, 0, 0];
  return Array.from({ length: steps }, () => {
    const allowed = eligible(at);
    const id = allowed[Math.floor(world.next() * allowed.length)]!;
    const to = at + (id === 'right' ? 1 : -1);
    const over = to < 0 || to >= PLACES;
    const one = experience({
      observation: place(at),
      slate: [{ id, propensity: 1 / allowed.length }],
      eligible: allowed,
      reward: to < 0 ? 0.2 : to >= PLACES ? 1 : 0,
      episode: String(episode),
      step,
      ...(over ? { ending: 'terminal', next: null } : { next: { observation: place(to), eligible: eligible(to) } }),
    });
    [at, episode, step] = over ? [Math.floor(world.next() * PLACES), episode + 1, 0] : [to, episode, step + 1];
    return one;
  });
}

describe('DQN on a chain', () => {
  it.each<[string, Partial<DqnOptions>, boolean]>([
    ['as it is by default', {}, false],
    ['dueling, with prioritised replay', { dueling: true, prioritised: {} }, false],
    ['with masked actions', {}, true],
  ])('finds the long way that is worth more, %s', async (_, part, masked) => {
    const config = dqnConfigSchema.parse({
      actions: ACTIONS,
      observation: { size: PLACES },
      hidden: [32],
      discount: DISCOUNT,
      learningRate: { rate: 0.003 },
      warmup: 100,
      trainEvery: 2,
      batchSize: 32,
      target: { kind: 'polyak', tau: 0.03 },
      ...part,
    });
    const learner = dqn.create(config, { random: seededRandom(1), surface: 's' });
    await learner.update(wander(800, 5, masked), new AbortController().signal);
    const { parameters } = learner.exportPolicy();
    const policy = mlpQPolicy({ policy: { id: 'p', version: 1 }, parameters });
    for (let at = 0; at < PLACES; at++) {
      const [left, right] = policy.scores({ ...contextOf(), observation: place(at) }, candidatesOf(ACTIONS));
      expect(right).toBeGreaterThan(left!);
      expect(Math.abs(right! - DISCOUNT ** (PLACES - 1 - at))).toBeLessThan(0.05);
    }
  });
});

describe('DQN on CartPole', () => {
  it('keeps the pole up far longer than chance does', async () => {
    const options = dqnOptionsFor(createEnvironment('cartpole'));
    const validation = { every: 4000, episodes: 5, stopAt: Infinity };
    const result = await run({ env: 'cartpole', seed: 1, steps: 4000, options, validation, epsilon: 0 });
    // Chance alone: about 22.
    expect(result.last).toBeGreaterThan(100);
    expect(result.gradientSteps).toBeGreaterThan(700);
  });
});
