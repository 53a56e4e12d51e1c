import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { ARTIFACT_BYTES_MAX, encodeArtifact, sealArtifact } from '../../policies/artifact.js';
import { linTs } from '../lin-ts/learner.js';
import { linUcb } from '../lin-ucb/learner.js';
import { anyPlugin, type AnyLearnerPlugin } from '../learner.js';
import { logisticThompson } from '../logistic-thompson/learner.js';
import { parseLearnerConfig } from '../plugin-registry.js';
import { armsAllowed, drawsOf, type LinearConfig } from './config.js';
import type { LinearLearner, LinearState } from './learner.js';

const KINDS = [anyPlugin(linUcb), anyPlugin(linTs), anyPlugin(logisticThompson)].map(
  (plugin) => [plugin.kind, plugin] as const,
);
const signal = new AbortController().signal;
const slate = (...ids: string[]) => ids.map((id) => ({ id, propensity: 0.5 }));
const hashed = (buckets: number) => ({ terms: [{ kind: 'hashed', from: 'context', name: 'q', buckets }] });

function start(plugin: AnyLearnerPlugin, config: object = {}, saved?: LinearState): LinearLearner {
  const deps = { random: seededRandom(1), surface: 's' };
  return plugin.create(parseLearnerConfig(plugin, config), deps, saved) as LinearLearner;
}
const learn = (learner: LinearLearner, ...batch: Partial<Experience>[]) =>
  learner.update(batch.map(experience), signal);
/** How often each arm was learned from. */
const counts = (learner: LinearLearner): Record<string, number> => {
  const { ids, counts: learned } = learner.snapshot().beliefs;
  return Object.fromEntries(ids.map((id, i) => [id, learned[i]!]));
};
const scoreOf = (learner: LinearLearner, id: string): number =>
  learner
    .livePolicy({ id: 'p', version: 1 })
    .scores({ surface: 's', subjectKind: 'rider', personalized: true, context: {}, features: {}, nowMs: 0 }, [
      { id, features: {}, nonPersonal: true },
    ])[0]!;

describe.each(KINDS)('the %s learner', (_, plugin) => {
  it('credits what was rewarded and learns that everything else that was shown earned nothing', () => {
    const learner = start(plugin);
    expect(learn(learner, { slate: slate('a', 'b'), reward: 1, rewardedId: 'b' })).toMatchObject({ learned: 1 });
    expect(counts(learner)).toEqual({ a: 1, b: 1 });
    expect(scoreOf(learner, 'b')).toBeGreaterThan(scoreOf(learner, 'c'));
    expect(scoreOf(learner, 'a')).toBeLessThanOrEqual(scoreOf(learner, 'c'));
  });

  it.each(['not-shown', 'refused', 'censored', 'corrected'] as const)('skips what was %s', (status) => {
    const learner = start(plugin);
    expect(learn(learner, { status, reward: 1 })).toEqual({ learned: 0, lossSum: 0 });
    expect(counts(learner)).toEqual({});
  });

  it('takes what was censored if told to, and never what was withdrawn or forced', () => {
    const learner = start(plugin, { censored: 'learn' });
    expect(learn(learner, { status: 'censored' }).learned).toBe(1);
    expect(learn(learner, { ending: 'withdrawn' }).learned).toBe(0);
    expect(learn(learner, { slate: [{ id: 'pin', propensity: 1, forced: true }] }).learned).toBe(0);
    expect(counts(learner)).toEqual({ a: 1 });
  });

  it('clamps rewards', () => {
    const [one, other] = [start(plugin), start(plugin)];
    learn(one, { reward: 1e300 });
    learn(other, { reward: 1 });
    expect(one.snapshot()).toEqual(other.snapshot());
  });

  it('goes on bit for bit from its state', () => {
    const config = { features: { arm: hashed(5), shared: hashed(3) }, armsMax: 3 };
    const random = seededRandom(6);
    const batch = Array.from({ length: 60 }, () => ({
      slate: slate(`arm-${Math.floor(random.next() * 5)}`),
      context: { q: `query ${Math.floor(random.next() * 9)}` },
      reward: random.next(),
      rewardedId: null,
    }));
    const whole = start(plugin, config);
    learn(whole, ...batch);
    const first = start(plugin, config);
    learn(first, ...batch.slice(0, 23));
    const resumed = start(
      plugin,
      config,
      plugin.stateSchema.parse(JSON.parse(JSON.stringify(first.snapshot()))) as LinearState,
    );
    learn(resumed, ...batch.slice(23));
    expect(resumed.snapshot()).toEqual(whole.snapshot());
    expect(resumed.exportPolicy()).toEqual(whole.exportPolicy());
    expect(Object.keys(counts(whole))).toHaveLength(3);
  });

  it('refuses a state of another shape, naming what does not fit', () => {
    const saved = start(plugin, { features: { arm: hashed(4) } }).snapshot();
    expect(() => start(plugin, { features: { arm: hashed(5) } }, saved)).toThrow(
      expect.objectContaining({ code: 'LEARNER_STATE_MISFIT', field: 'state.beliefs.weights.shape' }),
    );
  });

  it('stops when told to', () => {
    expect(() => start(plugin).update([experience()], AbortSignal.abort())).toThrow();
  });

  it.each([
    ['features', { features: {} }],
    ['features.arm.terms.0.of.0', { features: { arm: { terms: [{ kind: 'cross', of: ['x', 'x'] }] } } }],
    ['features.arm', { features: { arm: hashed(300) } }],
    ['covariance', { features: { arm: hashed(3), shared: hashed(3) }, covariance: 'diagonal' }],
    ['forget', { features: { arm: hashed(3), shared: hashed(3) }, forget: 0.1 }],
    ['armsMax', { features: { arm: hashed(200) }, armsMax: 5000 }],
    ['reward', { reward: { min: 1, max: 1 } }],
    ['precision', { precision: -1 }],
  ])('refuses a configuration whose %s is wrong', (field, config) => {
    expect(() => parseLearnerConfig(plugin, config)).toThrow(
      expect.objectContaining({ code: 'LEARNER_CONFIG_INVALID', field: `config.${field}` }),
    );
  });
});

describe('the artifact of LinTS', () => {
  const plugin = anyPlugin(linTs);

  it('has room for as many arms as it takes, whatever their ids', () => {
    const features = { arm: hashed(160), shared: hashed(20) };
    const armsMax = armsAllowed(parseLearnerConfig(plugin, { features }) as LinearConfig);
    const learner = start(plugin, { features, armsMax });
    // Characters that JSON writes in six bytes each.
    const ids = Array.from({ length: armsMax + 5 }, (__, i) => String(i).padStart(256, '\u0001'));
    learn(learner, ...ids.map((id) => ({ slate: slate(id), context: { q: id }, reward: 1, rewardedId: id })));
    expect(Object.keys(counts(learner))).toHaveLength(armsMax);
    const { family, parameters } = learner.exportPolicy();
    const lineage = { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 0 };
    const artifact = sealArtifact({ schema: 1, family, policy: { id: 'p', version: 1 }, parameters, lineage });
    expect(encodeArtifact(artifact).length).toBeLessThan(ARTIFACT_BYTES_MAX);
  });
});

describe('draws of shared weights', () => {
  it('are none where nothing is shared, and fewer where each costs a quadrature', () => {
    const of = (features: object): number =>
      drawsOf(parseLearnerConfig(anyPlugin(linTs), { features }) as LinearConfig);
    expect(of({ arm: hashed(4) })).toBe(0);
    expect(of({ shared: hashed(4) })).toBe(256);
    expect(of({ arm: hashed(4), shared: hashed(4) })).toBe(32);
  });

  it('differ from version to version, and not within one', () => {
    const learner = start(anyPlugin(linTs), { features: { shared: hashed(4) } });
    const drawsNow = (): unknown => (learner.exportPolicy().parameters as { draws: unknown }).draws;
    const first = drawsNow();
    expect(drawsNow()).toEqual(first);
    learn(learner, { reward: 1 });
    expect(drawsNow()).not.toEqual(first);
  });
});
