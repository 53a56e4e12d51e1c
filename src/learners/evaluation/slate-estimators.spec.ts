import { describe, expect, it } from '@jest/globals';
import { totals } from './estimators.js';
import type { Rounds } from './rounds.js';
import { LIST_ESTIMATORS, slateSummands, WHOLE_ESTIMATORS } from './slate-estimators.js';

interface Slate {
  readonly weights: readonly number[];
  readonly rewards: readonly number[];
  readonly chance: number;
}

/** Every slate once, standing for its chance: estimates are then expectations. */
const roundsOf = (slates: readonly Slate[], whole = false): Rounds => ({
  decisions: slates.length,
  positions: 2,
  stands: Float64Array.from(slates.map(({ chance }) => chance)),
  total: Float64Array.from(slates.map(({ rewards }) => rewards.reduce((sum, r) => sum + r, 0))),
  ends: Float64Array.from(slates.map((_, d) => 2 * (d + 1))),
  weight: Float64Array.from(slates.flatMap(({ weights }) => weights)),
  reward: Float64Array.from(slates.flatMap(({ rewards }) => (whole ? rewards.map(() => NaN) : rewards))),
  position: Float64Array.from(slates.flatMap(() => [0, 1])),
  ...(whole
    ? {}
    : {
        // Any numbers will do, if what follows a choice is the same for all that share its prefix.
        model: {
          chosen: Float64Array.from(slates.flatMap(({ weights }) => [weights[0]! > 1 ? 0.7 : 0.4, 0.2])),
          value: Float64Array.from(slates.flatMap(() => [0.6 * 0.7 + 0.4 * 0.4, 0.2])),
        },
      }),
});

/** Two positions of two actions, chosen independently: logged (0.25, 0.75) and (0.5, 0.5), target (0.6, 0.4), (0.9, 0.1). */
const world = (reward: (first: number, second: number) => readonly [number, number]): [Slate[], number] => {
  const logged = [
    [0.25, 0.75],
    [0.5, 0.5],
  ];
  const target = [
    [0.6, 0.4],
    [0.9, 0.1],
  ];
  let truth = 0;
  const slates = [0, 1].flatMap((x) =>
    [0, 1].map((y): Slate => {
      const rewards = reward(x, y);
      truth += target[0]![x]! * target[1]![y]! * (rewards[0] + rewards[1]);
      const weights = [target[0]![x]! / logged[0]![x]!, target[1]![y]! / logged[1]![y]!];
      return { weights, rewards, chance: logged[0]![x]! * logged[1]![y]! };
    }),
  );
  return [slates, truth];
};
const estimates = (rounds: Rounds, list = LIST_ESTIMATORS): Record<string, number> => {
  const sums = totals(slateSummands(rounds));
  return Object.fromEntries(list.map((e) => [e.name, e.value(sums)]));
};

describe('estimators of slates', () => {
  it('all have the truth for their mean where positions do not act on one another', () => {
    const [slates, truth] = world((x, y) => [x === 0 ? 1 : 0.2, y === 0 ? 0.5 : 2]);
    for (const found of Object.values(estimates(roundsOf(slates)))) expect(found).toBeCloseTo(truth, 12);
  });

  it('weigh each position of a few logged slates by all that was chosen down to it, itself included', () => {
    const slates = [
      { weights: [2, 0.5], rewards: [1, 0], chance: 1 },
      { weights: [0.5, 1], rewards: [0, 1], chance: 1 },
    ];
    const { RIPS, SNRIPS, SNIIPS } = estimates(roundsOf(slates));
    // By hand: the first positions weigh 2 and 0.5, the second ones 2 · 0.5 and 0.5 · 1.
    expect(RIPS).toBeCloseTo((2 + 0.5) / 2, 12);
    expect(SNRIPS).toBeCloseTo(2 / 2.5 + 0.5 / 1.5, 12);
    expect(SNIIPS).toBeCloseTo(2 / 2.5 + 1 / 1.5, 12);
  });

  it('all but the independent ones do where a position acts on those below', () => {
    const [slates, truth] = world((x, y) => [x, x === y ? 1 : 0]);
    const { IIPS: each, SNIIPS: normalised, ...others } = estimates(roundsOf(slates));
    for (const found of Object.values(others)) expect(found).toBeCloseTo(truth, 12);
    expect(Math.abs(each! - truth)).toBeGreaterThan(0.1);
    expect(Math.abs(normalised! - truth)).toBeGreaterThan(0.1);
  });

  it('only those of the whole do where a position acts on one above', () => {
    const [slates, truth] = world((x, y) => [x === y ? 1 : 0, y]);
    const found = estimates(roundsOf(slates));
    expect(found['SIPS']).toBeCloseTo(truth, 12);
    expect(Math.abs(found['RIPS']! - truth)).toBeGreaterThan(0.05);
  });

  it('the pseudo-inverse one has the truth for its mean where a whole reward is a sum over slots', () => {
    const [slates, truth] = world((x, y) => [x === 0 ? 1 : 0.2, y === 0 ? 0.5 : 2]);
    const found = estimates(roundsOf(slates, true), WHOLE_ESTIMATORS);
    expect(found['pseudo-inverse']).toBeCloseTo(truth, 12);
    expect(found['SIPS']).toBeCloseTo(truth, 12);
  });
});
