import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { betaThompsonConfigSchema } from './config.js';
import { betaThompson } from './learner.js';

const DEPS = { random: seededRandom(1), surface: 's' };

function learned(config: unknown, ...batch: Partial<Experience>[]): unknown {
  const learner = betaThompson.create(betaThompsonConfigSchema.parse(config), DEPS);
  const report = learner.update(batch.map(experience), new AbortController().signal);
  return { arms: Object.fromEntries(learner.snapshot().arms), report };
}
const slate = (...ids: string[]) => ids.map((id) => ({ id, propensity: 0.5 }));

describe('the Beta-Thompson learner', () => {
  it('splits a reward into a fraction of a success and of a failure', () => {
    expect(learned({}, { slate: slate('a'), reward: 0.25 })).toMatchObject({ arms: { a: [1.25, 1.75] } });
    expect(learned({ reward: { min: -1, max: 1 } }, { slate: slate('a'), reward: 0 })).toMatchObject({
      arms: { a: [1.5, 1.5] },
    });
    expect(learned({}, { slate: slate('a'), reward: 7 })).toMatchObject({ arms: { a: [2, 1] } });
  });

  it('credits what was rewarded and counts a failure for everything else that was shown', () => {
    const result = learned({}, { slate: slate('a', 'b', 'c'), reward: 1, rewardedId: 'b' });
    expect(result).toMatchObject({ arms: { a: [1, 2], b: [2, 1], c: [1, 2] }, report: { learned: 1 } });
  });

  it('never learns from a forced position', () => {
    const forced = [{ id: 'pin', propensity: 1, forced: true as const }, ...slate('a')];
    expect(learned({}, { slate: forced, reward: 1, rewardedId: 'pin' })).toMatchObject({ arms: { a: [1, 2] } });
    expect(learned({}, { slate: forced.slice(0, 1), reward: 1 })).toMatchObject({ arms: {}, report: { learned: 0 } });
  });

  it.each(['not-shown', 'refused', 'censored'] as const)('skips what was %s', (status) => {
    expect(learned({}, { status, reward: 1 })).toMatchObject({ arms: {}, report: { learned: 0 } });
  });

  it('takes censored experience where configured', () => {
    expect(learned({ censored: 'learn' }, { status: 'censored', reward: 1 })).toMatchObject({ arms: { a: [2, 1] } });
  });

  it('forgets towards the prior on each trial', () => {
    const twice = [
      { slate: slate('a'), reward: 1 },
      { slate: slate('a'), reward: 1 },
    ];
    expect(learned({ forget: 0.5 }, ...twice)).toMatchObject({ arms: { a: [2.5, 1] } });
  });

  it('keeps to its limit of arms, forgetting the one that was not tried for longest', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ slate: slate(id) }));
    expect(learned({ armsMax: 2 }, a!, b!, a!, c!)).toMatchObject({ arms: { a: [1, 3], c: [1, 2] } });
    expect(Object.keys((learned({ armsMax: 2 }, a!, b!, a!, c!) as { arms: object }).arms)).toEqual(['a', 'c']);
  });

  it('goes on from a state that an earlier version has saved', () => {
    const old = betaThompson.stateSchema.parse({ arms: [['a', [3.5, 2]]] });
    const learner = betaThompson.create(betaThompsonConfigSchema.parse({}), DEPS, old);
    void learner.update([experience({ slate: slate('a'), reward: 1 })], new AbortController().signal);
    expect(learner.snapshot()).toEqual({ arms: [['a', [4.5, 2], 1]], segments: [], learned: 1 });
  });

  it('learns nothing of a subject whose consent was withdrawn', () => {
    expect(learned({}, { reward: 1, ending: 'withdrawn' })).toMatchObject({ arms: {}, report: { learned: 0 } });
  });
});
