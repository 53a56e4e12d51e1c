import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { loadPlugin, parseLearnerConfig } from '../plugin-registry.js';

const DEPS = { random: seededRandom(1), surface: 's' };
const slate = (...ids: string[]) => ids.map((id) => ({ id, propensity: 0.5 }));

async function learned(kind: string, config: unknown, ...batch: Partial<Experience>[]) {
  const plugin = await loadPlugin(kind);
  const learner = plugin.create(parseLearnerConfig(plugin, config), DEPS);
  const report = await learner.update(batch.map(experience), new AbortController().signal);
  const parameters = learner.exportPolicy().parameters as {
    arms: Record<string, number[]>;
    segments?: { arms: Record<string, Record<string, number[]>> };
    [name: string]: unknown;
  };
  return { report, parameters, state: learner.snapshot() };
}

describe.each(['epsilon-greedy', 'softmax', 'ucb1', 'gaussian-thompson'])('the %s learner', (kind) => {
  it('credits what was rewarded; what else was shown earned nothing, and pinned items do not count', async () => {
    const shown = [{ id: 'pin', propensity: 1, forced: true as const }, ...slate('a', 'b')];
    const { parameters, report } = await learned(kind, {}, { slate: shown, reward: 0.75, rewardedId: 'b' });
    expect(parameters.arms).toEqual({ a: [1, 0, 0], b: [1, 0.75, 0] });
    expect(report.learned).toBe(1);
  });

  it.each([
    [{ status: 'not-shown' as const }],
    [{ status: 'refused' as const }],
    [{ status: 'censored' as const }],
    [{ ending: 'withdrawn' as const }],
    [{ reward: NaN }],
    [{ slate: [] }],
    [{ slate: [{ id: 'a', propensity: 1, forced: true as const }] }],
  ])('skips %j', async (part) => {
    const { parameters, report } = await learned(kind, {}, part);
    expect(parameters.arms).toEqual({});
    expect(report.learned).toBe(0);
  });

  it('clamps rewards to the configured range, however large', async () => {
    const config = { reward: { min: -2, max: 10 } };
    const { parameters } = await learned(
      kind,
      config,
      { slate: slate('a'), reward: 1e300 },
      { slate: slate('b'), reward: -1e300 },
    );
    expect(parameters.arms).toEqual({ a: [1, 10, 0], b: [1, -2, 0] });
  });

  it('keeps evidence by state where segments are configured', async () => {
    const { parameters } = await learned(
      kind,
      { segments: {} },
      { slate: slate('a'), reward: 1, state: 'x' },
      { slate: slate('a'), reward: 0 },
    );
    expect(parameters.arms['a']![0]).toBe(2);
    expect(parameters.segments!.arms).toEqual({ x: { a: [1, 1, 0] } });
  });

  it('puts a corrected outcome in the place of the first, as if it had been known, where that is configured', async () => {
    const first: Partial<Experience>[] = [
      { slate: slate('a', 'b'), reward: 1, rewardedId: 'a', state: 'x' },
      { slate: slate('a'), reward: 0.25, rewardedId: 'a', state: 'x' },
    ];
    const correction: Partial<Experience> = {
      ...first[0],
      status: 'corrected',
      reward: 0.5,
      rewardedId: 'b',
      corrects: { status: 'complete', reward: 1, rewardedId: 'a' },
    };
    const config = { corrections: 'learn', segments: {} };
    const { parameters, report } = await learned(kind, config, ...first, correction);
    const straight = await learned(kind, config, { ...first[0], reward: 0.5, rewardedId: 'b' }, first[1]!);
    for (const id of ['a', 'b']) {
      parameters.arms[id]!.forEach((x, i) => expect(x).toBeCloseTo(straight.parameters.arms[id]![i]!, 12));
      parameters.segments!.arms['x']![id]!.forEach((x, i) =>
        expect(x).toBeCloseTo(straight.parameters.segments!.arms['x']![id]![i]!, 12),
      );
    }
    expect(report.learned).toBe(3);
    const skipping = await learned(kind, { segments: {} }, ...first, correction);
    expect(skipping.parameters).toEqual((await learned(kind, { segments: {} }, ...first)).parameters);
  });

  it('leaves a correction alone of what it never learned, or has forgotten', async () => {
    const correction: Partial<Experience> = { status: 'corrected', slate: slate('a'), reward: 1 };
    const config = { corrections: 'learn' };
    const cases: Partial<Experience>[] = [
      { corrects: { status: 'censored', reward: 0, rewardedId: null } },
      { corrects: { status: 'not-shown', reward: 0, rewardedId: null } },
      { corrects: { status: 'complete', reward: 0, rewardedId: null } },
      {},
    ];
    for (const one of cases) {
      const { parameters, report } = await learned(kind, config, { ...correction, ...one });
      expect([parameters.arms, report.learned]).toEqual([{}, 0]);
    }
  });

  it.each([
    [{ reward: { min: 1, max: 1 } }, 'config.reward'],
    [{ reward: { min: 0, max: Infinity } }, 'config.reward.max'],
    [{ forget: 0.9 }, 'config.forget'],
    [{ forgetPer: 'day' }, 'config.forgetPer'],
    [{ armsMax: 0 }, 'config.armsMax'],
    [{ segments: { max: 10_000, armsMax: 10_000 } }, 'config.segments.max'],
    [{ segments: { priorWeight: -1 } }, 'config.segments.priorWeight'],
  ])('refuses the configuration %j', async (config, field) => {
    const plugin = await loadPlugin(kind);
    expect(() => parseLearnerConfig(plugin, config)).toThrow(
      expect.objectContaining({ code: 'LEARNER_CONFIG_INVALID', field }),
    );
  });
});

describe('what each kind exports', () => {
  const tried = Array.from({ length: 30 }, (): Partial<Experience> => ({ slate: slate('a'), reward: 1 }));

  it('an ε that shrinks like 1/t where told to, down to its least', async () => {
    const epsilonAfter = async (n: number) =>
      (await learned('epsilon-greedy', { epsilon: { start: 0.4, min: 0.15, halfAt: 10 } }, ...tried.slice(0, n)))
        .parameters['epsilon'];
    expect([await epsilonAfter(0), await epsilonAfter(10), await epsilonAfter(30)]).toEqual([0.4, 0.2, 0.15]);
  });

  it('a temperature likewise', async () => {
    const config = { temperature: { start: 1, min: 0.01, halfAt: 30 } };
    expect((await learned('softmax', config, ...tried)).parameters['temperature']).toBe(0.5);
  });

  it('for UCB1, the range of rewards', async () => {
    expect((await learned('ucb1', { reward: { min: -1, max: 4 } })).parameters).toMatchObject({ range: 5 });
  });

  it('for popularity, how often each was chosen, fading where it forgets', async () => {
    const batch: Partial<Experience>[] = [
      { slate: slate('a', 'b'), reward: 1, rewardedId: 'a' },
      { slate: slate('a', 'b'), reward: 1, rewardedId: 'a' },
      { slate: slate('a', 'b'), reward: 1, rewardedId: 'b' },
    ];
    const counts = (await learned('popularity', {}, ...batch)).parameters['counts'] as Record<string, number>;
    expect(counts).toEqual({ a: expect.closeTo(2, 12), b: expect.closeTo(1, 12) });
    const fading = await learned('popularity', { forget: 0.5 }, ...batch);
    expect((fading.parameters['counts'] as Record<string, number>)['a']).toBeCloseTo(0.25 + 0.5, 12);
  });
});
