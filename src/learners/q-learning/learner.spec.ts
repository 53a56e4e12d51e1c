import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import type { UpdateReport } from '../learner.js';
import { qLearningConfigSchema } from './config.js';
import { qLearning } from './learner.js';

function learned(config: unknown, ...batch: Partial<Experience>[]) {
  const deps = { random: seededRandom(1), surface: 's' };
  const learner = qLearning.create(qLearningConfigSchema.parse(config), deps);
  const report = learner.update(batch.map(experience), new AbortController().signal) as UpdateReport;
  const { q, exploration } = learner.exportPolicy().parameters as {
    q: Record<string, Record<string, number>>;
    exploration: unknown;
  };
  return { q, exploration, report, state: learner.snapshot() };
}
const half = { discount: 0.5, learningRate: { rate: 0.5 } };
const step = (part: Partial<Experience>): Partial<Experience> => ({ state: 's', ...part });

describe('the Q-learning learner', () => {
  it('moves a value towards reward plus discounted best eligible next value', () => {
    const { q } = learned(
      half,
      step({ state: 't', slate: [{ id: 'good', propensity: 1 }], reward: 8, ending: 'terminal' }),
      step({ state: 't', slate: [{ id: 'fair', propensity: 1 }], reward: 4, ending: 'terminal' }),
      step({ reward: 1, next: { state: 't', eligible: ['fair'] } }),
    );
    // Best of t is good (4), but only fair (2) may be taken: 0.5·(1 + 0.5·2).
    expect(q).toEqual({ t: { good: 4, fair: 2 }, s: { a: 1 } });
  });

  it('takes no future from a terminal step or from one without eligible actions', () => {
    const { q } = learned(
      { ...half, initial: 10 },
      step({ reward: 0, ending: 'terminal', next: { state: 't', eligible: ['x'] } }),
      step({ state: 'u', reward: 0, next: { state: 't', eligible: [] } }),
    );
    expect(q).toEqual({ s: { a: 5 }, u: { a: 5 } });
  });

  it('skips a step whose future is unknown, unless it needs none', () => {
    expect(learned(half, step({ reward: 1 })).report.learned).toBe(0);
    expect(learned({ ...half, withoutNext: 'terminal' }, step({ reward: 1 })).q).toEqual({ s: { a: 0.5 } });
    expect(learned({ ...half, discount: 0 }, step({ reward: 1, next: null })).q).toEqual({ s: { a: 0.5 } });
  });

  it('takes the rewarded item for the action, never a forced one', () => {
    const slate = [
      { id: 'pin', propensity: 1, forced: true as const },
      { id: 'a', propensity: 0.5 },
      { id: 'b', propensity: 0.5 },
    ];
    expect(learned(half, step({ slate, reward: 1, rewardedId: 'b', ending: 'terminal' })).q).toEqual({ s: { b: 0.5 } });
    expect(learned(half, step({ slate, reward: 1, rewardedId: 'pin', ending: 'terminal' })).q).toEqual({ s: { a: 0 } });
  });

  it('bootstraps from a truncated step whose successor is known, and skips one without', () => {
    const config = { ...half, initial: 4 };
    const truncated = step({ reward: 1, ending: 'truncated', next: { state: 't', eligible: ['b'] } });
    // 4 + 0.5·(1 + 0.5·4 − 4)
    expect(learned(config, truncated).q).toEqual({ s: { a: 3.5 } });
    const cut = step({ reward: 1, ending: 'truncated', next: null });
    expect(learned({ ...config, withoutNext: 'terminal' }, cut).report.learned).toBe(0);
  });

  it('learns nothing of an episode that ended with consent withdrawn', () => {
    const withdrawn = step({ reward: 1, ending: 'withdrawn', status: 'censored' });
    expect(learned({ ...half, censored: 'learn', withoutNext: 'terminal' }, withdrawn).report.learned).toBe(0);
    expect(learned({ ...half, discount: 0 }, { ...withdrawn, status: 'complete' }).report.learned).toBe(0);
  });

  it('needs the successor’s state', () => {
    expect(learned(half, step({ reward: 1, next: { eligible: ['a'] } })).report.learned).toBe(0);
  });

  it.each([{ status: 'not-shown' as const }, { status: 'censored' as const }, { state: undefined }])(
    'skips %j',
    (part) => {
      const { state: _, ...rest } = step({});
      const one = 'state' in part ? rest : step(part);
      expect(learned(half, { ...one, reward: 1, ending: 'terminal' }).report.learned).toBe(0);
    },
  );

  it('lowers its learning rate with visits and its epsilon with experience', () => {
    const exploration = { kind: 'epsilon-greedy', start: 0.8, min: 0.3, decay: 0.5 };
    const config = { discount: 0, learningRate: { rate: 1, decay: 1 }, exploration };
    const one = learned(config, step({ reward: 1 }));
    expect(one.exploration).toEqual({ kind: 'epsilon-greedy', epsilon: 0.4 });
    const three = learned(config, step({ reward: 1 }), step({ reward: 0 }), step({ reward: 0 }));
    expect(three.q['s']!['a']).toBeCloseTo(1 / 3, 12);
    expect(three.exploration).toEqual({ kind: 'epsilon-greedy', epsilon: 0.3 });
  });

  it('overestimates less with two tables', () => {
    const actions = Array.from({ length: 10 }, (_, i) => `a${i}`);
    // Every action of t is worth 0 on average, with noise; so s is worth 0 too.
    const batchOf = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 4000 }, (_, i) =>
        i % 2 === 0
          ? step({
              state: 't',
              slate: [{ id: actions[(i / 2) % 10]!, propensity: 1 }],
              reward: random.next() * 2 - 1,
              ending: 'terminal',
            })
          : step({ reward: 0, next: { state: 't', eligible: actions } }),
      );
    };
    const config = { discount: 1, learningRate: { rate: 0.1 } };
    // One run is noise itself; the bias shows in the mean over many.
    const runs = Array.from({ length: 40 }, (_, i) => batchOf(i + 1));
    const mean = (double: boolean): number =>
      runs.reduce((sum, batch) => sum + learned({ ...config, double }, ...batch).q['s']!['a']!, 0) / runs.length;
    const single = mean(false);
    expect(single).toBeGreaterThan(0.1);
    expect(Math.abs(mean(true))).toBeLessThan(single / 2);
  });

  it('keeps to its limits', () => {
    const limited = { ...half, statesMax: 1, actionsMax: 1 };
    const { q, report } = learned(
      limited,
      step({ reward: 1, ending: 'terminal' }),
      step({ reward: 1, ending: 'terminal', slate: [{ id: 'b', propensity: 1 }] }),
      step({ state: 't', reward: 1, ending: 'terminal' }),
    );
    expect(q).toEqual({ s: { a: 0.5 } });
    expect(report.learned).toBe(1);
  });
});
