/** Do contextual bandits learn? In synthetic worlds with known truth, and on real sentences. The long runs are bench/learning/contextual.ts. */
import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import {
  CONTENDERS,
  ContextualLoop,
  growthExponent,
  playWorld,
  worldFeatures,
  type RegretCurve,
} from '../../bench/learning/contextual-run.js';
import { ContextualWorld, type WorldKind } from '../../bench/learning/contextual-world.js';
import { BANKING77, progressiveLoss, readBanking77, textFeatures } from '../../bench/learning/labelled-text.js';

const ROUNDS = 6000;
const REWARD = { linear: { min: -10, max: 10 }, logistic: { min: 0, max: 1 } } as const;

const contender = (name: string) => CONTENDERS.find((one) => one.name === name)!;

function play(kind: WorldKind, name: string): RegretCurve {
  const world = new ContextualWorld(kind, { size: 8, arms: 6, seed: 3 });
  return playWorld(
    world,
    new ContextualLoop(contender(name), { ...worldFeatures(world), reward: REWARD[kind] }, 3),
    ROUNDS,
  );
}

describe.each([
  ['linear', 'lin-ucb'],
  ['linear', 'lin-ts'],
  ['logistic', 'logistic-thompson, v = 0.25'],
] as const)('in a %s world %s', (kind, name) => {
  const curve = play(kind, name);

  it('regrets less than ε-greedy on the same model', () => {
    expect(curve.regret.at(-1)!).toBeLessThan(0.8 * play(kind, 'epsilon-greedy 0.1').regret.at(-1)!);
  });

  it('regrets less and less as it goes', () => {
    expect(growthExponent(curve)).toBeLessThan(0.75);
  });
});

describe('the growth exponent', () => {
  it('is that of the curve', () => {
    const rounds = [1, 10, 30, 100, 300, 1000];
    expect(growthExponent({ rounds, regret: rounds.map((n) => 3 * n ** 0.4) })).toBeCloseTo(0.4, 9);
    expect(growthExponent({ rounds, regret: rounds.map((n) => 2 * n) })).toBeCloseTo(1, 9);
  });
});

// Real data are read where they lie, and are not part of this repository.
const real = existsSync(BANKING77) ? describe : describe.skip;
real('on the sentences of banking77, of which only "right" or "wrong" is told', () => {
  it('LinUCB learns labels out of 77', () => {
    const texts = readBanking77(BANKING77, 1);
    expect(texts).toHaveLength(13_083);
    const [, last] = progressiveLoss(texts, new ContextualLoop(contender('lin-ucb'), textFeatures(256), 1));
    // Chance is wrong in 98.7 % of them.
    expect(last).toBeLessThan(0.7);
  });
});
