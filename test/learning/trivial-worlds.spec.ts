/** What every learner must manage: a world so simple that not learning it can only be a mistake. */
import { describe, expect, it } from '@jest/globals';
import { betaThompson } from '../../src/learners/beta-thompson/learner.js';
import { anyPlugin, type AnyLearnerPlugin } from '../../src/learners/learner.js';
import { qLearning } from '../../src/learners/q-learning/learner.js';
import { candidatesOf, contextOf, Loop } from './closed-loop.js';

const ARMS = ['a', 'b', 'c', 'd'];
const CHANCES = [0.2, 0.35, 0.7, 0.5];
const ROUND = 10;
const BEST = CHANCES.indexOf(Math.max(...CHANCES));

const LEARNERS: [plugin: AnyLearnerPlugin, config: unknown][] = [
  [anyPlugin(betaThompson), {}],
  [anyPlugin(qLearning), { discount: 0, learningRate: { rate: 1, decay: 1 } }],
  [anyPlugin(qLearning), { discount: 0, double: true, exploration: { kind: 'softmax', temperature: 0.1 } }],
];

/** Four candidates with fixed chances, a bandit; the policy is renewed after every few decisions. */
function play(loop: Loop, rounds: number): number {
  let rewards = 0;
  for (let round = 0; round < rounds; round++) {
    const batch = Array.from({ length: ROUND }, () => {
      const choice = loop.choose(ARMS, 'here');
      const reward = loop.world.next() < CHANCES[ARMS.indexOf(choice.action)]! ? 1 : 0;
      rewards += reward;
      return { ...choice, reward, rewardedId: reward > 0 ? choice.action : null };
    });
    loop.learn(batch);
  }
  return rewards / (rounds * ROUND);
}

describe.each(LEARNERS)('%j on a bandit', (plugin, config) => {
  it.each([1, 2, 3])('finds the best arm and earns more than chance (seed %d)', (seed) => {
    const loop = new Loop(plugin, config, seed);
    const mean = play(loop, 150);
    const p = loop.policy.distribution(contextOf('here'), candidatesOf(ARMS));
    expect(p.indexOf(Math.max(...p))).toBe(BEST);
    expect(p[BEST]!).toBeGreaterThan(0.6);
    // Chance earns 0.4375, the best arm 0.7.
    expect(mean).toBeGreaterThan(0.55);
  });

  it('ends with the same parameters from the same seed, and with others from another', () => {
    const [x, y, z] = [5, 5, 6].map((seed) => new Loop(plugin, config, seed));
    for (const loop of [x!, y!, z!]) play(loop, 20);
    expect(x!.learner.snapshot()).toEqual(y!.learner.snapshot());
    expect(x!.learner.snapshot()).not.toEqual(z!.learner.snapshot());
  });

  it('goes on after saving and loading exactly as if nothing had happened', () => {
    const whole = new Loop(plugin, config, 9);
    let saved = new Loop(plugin, config, 9);
    for (let i = 0; i < 10; i++) {
      play(whole, 4);
      play(saved, 4);
      saved = saved.saveAndLoad();
    }
    expect(saved.learner.snapshot()).toEqual(whole.learner.snapshot());
    expect(saved.learner.exportPolicy()).toEqual(whole.learner.exportPolicy());
    expect(saved.random.state()).toEqual(whole.random.state());
  });

  it('learns the same from one batch as from many, as it says it does', () => {
    expect(plugin.incremental).toBe(true);
    const [one, many] = [new Loop(plugin, config, 4), new Loop(plugin, config, 4)];
    const batch = Array.from({ length: 60 }, (_, i) => {
      const id = ARMS[i % 4]!;
      return { slate: [{ id, propensity: 0.25 }], eligible: ARMS, state: 'here', reward: i % 3 === 0 ? 1 : 0 };
    });
    one.learn(batch);
    for (let i = 0; i < batch.length; i += 7) many.learn(batch.slice(i, i + 7));
    expect(many.learner.snapshot()).toEqual(one.learner.snapshot());
  });
});
