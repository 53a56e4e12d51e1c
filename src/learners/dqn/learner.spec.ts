import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { mlpQPolicy } from '../../policies/mlp/policy.js';
import { actsInProcess } from '../environments/acts-in-process.js';
import { parseLearnerConfig } from '../plugin-registry.js';
import { anyPlugin } from '../learner.js';
import { dqnConfigSchema, type DqnOptions } from './config.js';
import { dqn, type DqnState } from './learner.js';

const OPTIONS: DqnOptions = {
  actions: ['a', 'b'],
  observation: { size: 1 },
  hidden: [8],
  discount: 0.5,
  learningRate: { rate: 0.03 },
  warmup: 4,
  trainEvery: 1,
  batchSize: 16,
  replayMax: 64,
  target: { kind: 'hard', every: 10 },
  exploration: { kind: 'epsilon-greedy', start: 0.5, end: 0.1, steps: 100 },
};
const unaborted = new AbortController().signal;

function learnerOf(part: Partial<DqnOptions> = {}, seed = 1, saved?: { state: unknown; random: readonly number[] }) {
  const random = seededRandom(saved?.random ?? seed);
  const state = saved === undefined ? undefined : dqn.stateSchema.parse(saved.state);
  const learner = dqn.create(dqnConfigSchema.parse({ ...OPTIONS, ...part }), { random, surface: 's' }, state);
  if (!actsInProcess(learner)) throw new Error('It does not act in process.');
  const save = () => JSON.parse(JSON.stringify({ state: learner.snapshot(), random: random.state() })) as typeof saved;
  return { learner, save };
}
type Made = ReturnType<typeof learnerOf>['learner'];

const step = (part: Partial<Experience>): Experience =>
  experience({ observation: [0], slate: [{ id: 'a', propensity: 0.5 }], rewardedId: null, ...part });
const ended = (id: string, reward: number, observation = 0): Experience =>
  step({ slate: [{ id, propensity: 0.5 }], reward, observation: [observation], ending: 'terminal' });
/** Values of a and b, as a host would read them from the artifact. */
function valuesAt(learner: Made, observation: number): readonly number[] {
  const policy = mlpQPolicy({ policy: { id: 'p', version: 1 }, parameters: learner.exportPolicy().parameters });
  const candidates = ['a', 'b'].map((id) => ({ id, features: {}, nonPersonal: true }));
  const context = {
    surface: 's',
    subjectKind: 'rider',
    personalized: true,
    context: {},
    features: {},
    nowMs: 0,
  } as const;
  return policy.scores({ ...context, observation: [observation] }, candidates);
}
const times = (count: number, ...batch: Experience[]): Experience[] =>
  Array.from({ length: count }, () => batch).flat();

describe('the DQN learner', () => {
  it('learns what each action is worth', async () => {
    const { learner } = learnerOf();
    expect(learner.runtime).toBeUndefined();
    const { learned, lossSum } = await learner.update(times(60, ended('a', 1), ended('b', -1)), unaborted);
    expect(learned).toBe(120);
    expect(lossSum).toBeGreaterThan(0);
    expect(learner.runtime).toMatch(/^TensorFlow\.js, (native|wasm|cpu)$/);
    const [a, b] = valuesAt(learner, 0);
    expect(a).toBeCloseTo(1, 1);
    expect(b).toBeCloseTo(-1, 1);
  });

  it('bootstraps from actions that may be taken next, from no others', async () => {
    const next = (...eligible: string[]) => ({ observation: [1], eligible });
    const batch = times(
      60,
      ended('a', 4, 1),
      ended('b', 2, 1),
      step({ slate: [{ id: 'a', propensity: 1 }], next: next('b') }),
      step({ slate: [{ id: 'b', propensity: 1 }], next: next('a', 'b', 'nobody-knows-it') }),
    );
    for (const double of [true, false]) {
      const { learner } = learnerOf({ double, trainEvery: 2 });
      await learner.update(batch, unaborted);
      const [a, b] = valuesAt(learner, 0);
      expect(Math.abs(a! - 0.5 * 2)).toBeLessThan(0.3);
      expect(Math.abs(b! - 0.5 * 4)).toBeLessThan(0.3);
    }
  });

  it.each<[string, Partial<Experience>, number]>([
    ['a terminal step is worth its reward', { ending: 'terminal', next: { observation: [1], eligible: ['a'] } }, 0],
    [
      'a truncated one goes on where it would have',
      { ending: 'truncated', next: { observation: [1], eligible: ['a'] } },
      1,
    ],
    ['nothing may be chosen next', { next: { observation: [1], eligible: [] } }, 0],
  ])('takes the future for what it is: %s', async (_, part, expected) => {
    const { learner } = learnerOf();
    await learner.update(times(50, step({ reward: 0, ...part }), ended('a', 2, 1)), unaborted);
    expect(Math.abs(valuesAt(learner, 0)[0]! - expected)).toBeLessThan(0.25);
  });

  it.each<[string, Partial<Experience>]>([
    ['a truncated step whose successor is not known', { ending: 'truncated', next: null }],
    ['a step that was withdrawn', { ending: 'withdrawn', next: { observation: [1], eligible: ['a'] } }],
    ['a step without a successor', { next: null }],
    ['a successor without observation', { next: { eligible: ['a'] } }],
    ['a successor with strangers only', { next: { observation: [1], eligible: ['x'] } }],
    ['an unknown action', { slate: [{ id: 'x', propensity: 1 }], ending: 'terminal' }],
    ['only forced positions', { slate: [{ id: 'a', propensity: 1, forced: true }], ending: 'terminal' }],
    ['no observation', { observation: undefined, ending: 'terminal' } as unknown as Partial<Experience>],
    ['an observation of another length', { observation: [1, 2], ending: 'terminal' }],
    ['an observation beyond 32 bits', { observation: [1e300], ending: 'terminal' }],
    ['what was not shown', { status: 'not-shown', ending: 'terminal' }],
    ['what was censored', { status: 'censored', ending: 'terminal' }],
  ])('skips %s', async (_, part) => {
    const { learner } = learnerOf({ warmup: 1 });
    const before = learner.snapshot();
    expect(await learner.update([step(part)], unaborted)).toEqual({ learned: 0 });
    expect(learner.snapshot()).toEqual(before);
  });

  it('takes unknown futures for none, and censored rewards for what they are, where it is told to', async () => {
    const { learner } = learnerOf({ withoutNext: 'terminal', censored: 'learn' });
    expect(await learner.update([step({ next: null }), step({ status: 'censored', next: null })], unaborted)).toEqual({
      learned: 2,
    });
  });

  it('takes the rewarded item for the action, and counts nothing that a forced one earned', async () => {
    const slate = [
      { id: 'pin', propensity: 1, forced: true as const },
      { id: 'a', propensity: 0.5 },
      { id: 'b', propensity: 0.5 },
    ];
    const { learner } = learnerOf();
    const credited = step({ slate, reward: 1, rewardedId: 'b', ending: 'terminal' });
    const pinned = step({ slate, reward: 1, rewardedId: 'pin', ending: 'terminal' });
    await learner.update(times(50, credited, pinned), unaborted);
    const [a, b] = valuesAt(learner, 0);
    expect(Math.abs(a!)).toBeLessThan(0.15);
    expect(Math.abs(b! - 1)).toBeLessThan(0.15);
  });

  const VARIANTS: Partial<DqnOptions>[] = [
    {},
    { nStep: 3, dueling: true, prioritised: {}, target: { kind: 'polyak', tau: 0.05 }, trainEvery: 3 },
    { backend: 'cpu', double: false, replayMax: 10, gradientSteps: 2, trainEvery: 5 },
  ];
  const stream = Array.from({ length: 60 }, (_, i) =>
    step({
      slate: [{ id: i % 3 === 0 ? 'b' : 'a', propensity: 0.5 }],
      observation: [Math.sin(i)],
      reward: Math.cos(i),
      episode: `e${i % 2}`,
      step: i >> 1,
      next: { observation: [Math.sin(i + 2)], eligible: i % 5 === 0 ? ['a'] : ['a', 'b'] },
      ...(i % 17 > 14 ? { ending: 'terminal' as const } : {}),
    }),
  );

  it.each(VARIANTS)('goes on after saving and loading exactly as if nothing had happened (%j)', async (part) => {
    const whole = learnerOf(part);
    await whole.learner.update(stream, unaborted);
    let cut = learnerOf(part);
    for (let from = 0; from < stream.length; from += 7) {
      await cut.learner.update(stream.slice(from, from + 7), unaborted);
      cut = learnerOf(part, 0, cut.save());
    }
    expect(cut.save()).toEqual(whole.save());
    expect(cut.learner.exportPolicy()).toEqual(whole.learner.exportPolicy());
    expect((whole.learner.snapshot() as DqnState).trainer.steps).toBeGreaterThan(10);
  });

  it('learns the same from the same seed, and something else from another', async () => {
    const [one, same, other] = [learnerOf(), learnerOf(), learnerOf({}, 2)];
    for (const { learner } of [one, same, other]) await learner.update(stream, unaborted);
    expect(same.save()).toEqual(one.save());
    expect(other.save()).not.toEqual(one.save());
  });

  it('acts as its artifact would, and never takes what the mask forbids', async () => {
    for (const part of VARIANTS) {
      const { learner } = learnerOf(part);
      await learner.update(stream, unaborted);
      const policy = mlpQPolicy({ policy: { id: 'p', version: 1 }, parameters: learner.exportPolicy().parameters });
      const context = {
        surface: 's',
        subjectKind: 'rider',
        personalized: true,
        context: {},
        features: {},
        nowMs: 0,
      } as const;
      const asked = policy.distribution(
        { ...context, observation: [0.3] },
        ['a', 'b'].map((id) => ({ id, features: {}, nonPersonal: true })),
      );
      const own = [...learner.actionDistribution(Float64Array.of(0.3), undefined)];
      expect(own).toEqual([...asked]);
      expect([...learner.actionDistribution(Float64Array.of(0.3), Uint8Array.of(0, 1))]).toEqual([0, 1]);
    }
  });

  it('explores less with experience', async () => {
    const { learner } = learnerOf({ warmup: 1000 });
    const epsilon = (): unknown => (learner.exportPolicy().parameters as { exploration: unknown }).exploration;
    expect(epsilon()).toEqual({ kind: 'epsilon-greedy', epsilon: 0.5 });
    await learner.update(times(25, ended('a', 1)), unaborted);
    expect(epsilon()).toEqual({ kind: 'epsilon-greedy', epsilon: 0.4 });
    await learner.update(times(200, ended('a', 1)), unaborted);
    expect(epsilon()).toEqual({ kind: 'epsilon-greedy', epsilon: 0.1 });
  });

  it('gives up where training diverges', async () => {
    const { learner } = learnerOf({
      learningRate: { rate: 1 },
      discount: 1,
      double: false,
      target: { kind: 'hard', every: 1 },
      guard: { patience: 3 },
    });
    const forever = step({ reward: 1, next: { observation: [0], eligible: ['a'] } });
    await expect(learner.update(times(3000, forever), unaborted)).rejects.toMatchObject({ code: 'LEARNER_DIVERGED' });
  });

  it('skips a reward that 32 bits cannot hold, and is none the worse for it', async () => {
    const { learner, save } = learnerOf();
    const batch = [ended('a', 1e300), ...times(20, ended('a', 1)), ended('b', -1e39)];
    expect(await learner.update(batch, unaborted)).toMatchObject({ learned: 20 });
    expect(() => save()).not.toThrow();
  });

  it('heeds its signal between two gradient steps', async () => {
    const { learner } = learnerOf();
    const controller = new AbortController();
    const update = learner.update(times(1024, ended('a', 1)), controller.signal);
    setImmediate(() => controller.abort());
    await expect(update).rejects.toMatchObject({ name: 'AbortError' });
    expect((learner.snapshot() as DqnState).trainer.steps).toBeLessThan(100);
  });

  it('refuses a saved state of another configuration', async () => {
    const { learner, save } = learnerOf();
    await learner.update(stream, unaborted);
    for (const part of [{ hidden: [9] }, { dueling: true }, { prioritised: {} }, { replayMax: 5 }])
      expect(() => learnerOf(part, 1, save())).toThrow(expect.objectContaining({ code: 'LEARNER_STATE_MISFIT' }));
  });

  it.each<[string, object]>([
    ['config.actions', { actions: [] }],
    ['config.actions', { actions: ['a', 'a'] }],
    ['config.observation.size', { observation: { size: 0 } }],
    ['config.observation.terms', { observation: { size: 2, terms: ['one'] } }],
    ['config.observation.scaling', { observation: { size: 2, scaling: { offset: [0], scale: [1] } } }],
    ['config.hidden', { hidden: [4096, 4096] }],
    ['config.replayMax', { replayMax: 1_000_000, observation: { size: 1000 } }],
    ['config.discount', { discount: 1.1 }],
    ['config.target.every', { target: { kind: 'hard', every: 0 } }],
    ['config.backend', { backend: 'webgl' }],
    ['config.learningRate.rate', { learningRate: { rate: Number.NaN } }],
  ])('refuses a configuration whose %s is wrong', (field, part) => {
    expect(() => parseLearnerConfig(anyPlugin(dqn), { ...OPTIONS, ...part })).toThrow(
      expect.objectContaining({ code: 'LEARNER_CONFIG_INVALID', field }),
    );
  });
});
