import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import type { UpdateReport } from '../learner.js';
import { qLearningConfigSchema } from '../q-learning/config.js';
import { qLearning } from '../q-learning/learner.js';

const both = ['a', 'b'].map((id) => ({ id, propensity: 0.5 }));
const taken = (part: Partial<Experience>): Experience =>
  experience({ state: 's', ending: 'terminal', reward: 0.2, rewardedId: 'a', ...part });
const corrected = (reward: number, part: Partial<Experience> = {}): Experience =>
  taken({ status: 'corrected', reward, corrects: { status: 'complete', reward: 0.2, rewardedId: 'a' }, ...part });

function learned(config: object, ...batch: Experience[]) {
  const parsed = qLearningConfigSchema.parse({ learningRate: { rate: 0.5 }, corrections: 'learn', ...config });
  const learner = qLearning.create(parsed, { random: seededRandom(3), surface: 's' });
  const report = learner.update(batch, new AbortController().signal) as UpdateReport;
  const { q, counts } = learner.exportPolicy().parameters as Record<'q' | 'counts', Record<string, unknown>>;
  return { value: (q['s'] as Record<string, number> | undefined)?.['a'], counts, report };
}

describe('a correction of what a table learned', () => {
  it.each([
    ['at a constant rate', {}],
    ['at a rate that falls', { learningRate: { rate: 0.9, decay: 0.6 } }],
    ['in two tables', { double: true }],
  ])('ends where the corrected reward would have led, %s', (_how, config) => {
    const first = taken({ reward: 0.7 });
    const late = learned(config, first, taken({}), corrected(1));
    const known = learned(config, first, taken({ reward: 1 }));
    expect(late.value).toBeCloseTo(known.value!, 12);
    expect(late.counts).toEqual(known.counts);
    expect(late.report.learned).toBe(3);
  });

  it('is skipped unless configured', () => {
    expect(learned({ corrections: 'skip' }, taken({}), corrected(1))).toMatchObject({ report: { learned: 1 } });
    expect(qLearningConfigSchema.parse({}).corrections).toBe('skip');
  });

  it.each<[string, Experience[]]>([
    ['was never seen', [corrected(1)]],
    [
      'was censored, and skipped',
      [taken({ status: 'censored' }), corrected(1, { corrects: { status: 'censored', reward: 0.2, rewardedId: 'a' } })],
    ],
    ['belongs to another action', [taken({ slate: both }), corrected(1, { slate: both, rewardedId: 'b' })]],
    ['says not what it corrects', [taken({}), taken({ status: 'corrected' })]],
    ['was withdrawn', [taken({}), corrected(1, { ending: 'withdrawn' })]],
  ])('changes nothing where it %s', (_what, batch) => {
    const before = learned({}, ...batch.slice(0, -1));
    expect(learned({}, ...batch)).toEqual(before);
  });
});
