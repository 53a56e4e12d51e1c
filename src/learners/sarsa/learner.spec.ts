import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import type { UpdateReport } from '../learner.js';
import { sarsaConfigSchema } from './config.js';
import { sarsa } from './learner.js';

function learned(config: unknown, ...batch: Partial<Experience>[]) {
  const learner = sarsa.create(sarsaConfigSchema.parse(config), { random: seededRandom(1), surface: 's' });
  const report = learner.update(batch.map(experience), new AbortController().signal) as UpdateReport;
  const { q } = learner.exportPolicy().parameters as { q: Record<string, Record<string, number>> };
  return { q, report, state: learner.snapshot() };
}
const half = { discount: 0.5, learningRate: { rate: 0.5 } };
const step = (part: Partial<Experience>): Partial<Experience> => ({ state: 's', ...part });
const tried = (id: string, reward: number): Partial<Experience> =>
  step({ state: 't', slate: [{ id, propensity: 1 }], reward, ending: 'terminal' });

describe('the SARSA learner', () => {
  it('takes the future of the action that was taken, not of the best one', () => {
    const next = { state: 't', eligible: ['good', 'fair'], action: 'fair' };
    const { q } = learned(half, tried('good', 8), tried('fair', 4), step({ reward: 1, next }));
    // good is worth 4, but fair (2) was taken: 0.5·(1 + 0.5·2).
    expect(q).toEqual({ t: { good: 4, fair: 2 }, s: { a: 1 } });
  });

  it('skips a step of which the next action is not known, unless there was none to take or none is needed', () => {
    const unknown = step({ reward: 1, next: { state: 't', eligible: ['b'] } });
    expect(learned(half, unknown).report.learned).toBe(0);
    expect(learned({ ...half, discount: 0 }, unknown).q).toEqual({ s: { a: 0.5 } });
    expect(learned(half, step({ reward: 1, next: { state: 't', eligible: [] } })).q).toEqual({ s: { a: 0.5 } });
  });

  it('takes no future from a terminal step, and skips a withdrawn one', () => {
    const next = { state: 't', eligible: ['b'], action: 'b' };
    expect(learned({ ...half, initial: 8 }, step({ reward: 0, ending: 'terminal', next })).q).toEqual({ s: { a: 4 } });
    expect(learned(half, step({ reward: 1, ending: 'withdrawn', next })).report.learned).toBe(0);
  });

  it('goes on from a snapshot exactly as it would have', () => {
    const config = sarsaConfigSchema.parse({ ...half, learningRate: { rate: 0.5, decay: 0.6 } });
    const deps = () => ({ random: seededRandom(1), surface: 's' });
    const batch = Array.from({ length: 40 }, (_, i) =>
      experience(
        step({
          state: `s${i % 3}`,
          slate: [{ id: `a${i % 2}`, propensity: 0.5 }],
          reward: Math.sin(i),
          next: { state: `s${(i + 1) % 3}`, eligible: ['a0', 'a1'], action: `a${(i + 1) % 2}` },
        }),
      ),
    );
    const { signal } = new AbortController();
    const whole = sarsa.create(config, deps());
    void whole.update(batch, signal);
    const first = sarsa.create(config, deps());
    void first.update(batch.slice(0, 17), signal);
    const saved = sarsa.stateSchema.parse(JSON.parse(JSON.stringify(first.snapshot())));
    const second = sarsa.create(config, deps(), saved);
    void second.update(batch.slice(17), signal);
    expect(second.snapshot()).toEqual(whole.snapshot());
    expect(whole.snapshot().learned).toBe(40);
  });
});
