import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { deepFreeze } from '../../../test/support/deep-freeze.js';
import { seededRandom } from '../../kernel/random.js';
import { linTs } from '../../learners/lin-ts/learner.js';
import { linUcb } from '../../learners/lin-ucb/learner.js';
import type { LinearLearner } from '../../learners/linear/learner.js';
import { fillNormals } from '../../learners/linear/draws.js';
import { anyPlugin, type AnyLearnerPlugin } from '../../learners/learner.js';
import { logisticThompson } from '../../learners/logistic-thompson/learner.js';
import { candidateSchema, type Candidate } from '../../messages/decisions.js';
import { POLICY_FAMILIES } from '../families.js';
import type { DecisionContext, Policy } from '../policy.js';

const KINDS: Readonly<Record<string, AnyLearnerPlugin>> = {
  'lin-ucb': anyPlugin(linUcb),
  'lin-ts': anyPlugin(linTs),
  'logistic-thompson': anyPlugin(logisticThompson),
};
const ARM = {
  terms: [
    { kind: 'bias' },
    { kind: 'number', from: 'context', name: 'hour', offset: 12, scale: 0.1 },
    { kind: 'category', from: 'context', name: 'day', levels: ['mon', 'sun'] },
  ],
};
const SHARED = {
  terms: [
    { kind: 'number', from: 'candidate', name: 'price' },
    { kind: 'number', from: 'subject', name: 'trips', scale: 0.1 },
    { kind: 'cross', of: ['candidate.price', 'subject.trips'] },
  ],
};
const FEATURES = {
  disjoint: { arm: ARM },
  shared: { shared: SHARED },
  hybrid: { arm: ARM, shared: SHARED },
} as const;
const EVERY = Object.keys(KINDS).flatMap((kind) =>
  (Object.keys(FEATURES) as (keyof typeof FEATURES)[]).map((model) => [kind, model] as const),
);

const candidates: readonly Candidate[] = ['a', 'b', 'c', 'new'].map((id, i) =>
  candidateSchema.parse({ id, features: { price: i / 2 } }),
);
const contextAt = (hour: number, part: Partial<DecisionContext> = {}): DecisionContext => ({
  surface: 's',
  subjectKind: 'rider',
  personalized: true,
  context: { hour, day: hour % 2 === 0 ? 'mon' : 'sun' },
  features: { trips: hour % 5 },
  nowMs: 0,
  ...part,
});

/** Mornings are for a, evenings for b, c is worth nothing. */
function trained(kind: string, features: unknown, rounds = 300, config: object = {}): LinearLearner {
  const plugin = KINDS[kind]!;
  const random = seededRandom(5);
  const learner = plugin.create(plugin.configSchema.parse({ features, ...config }), { random, surface: 's' });
  const batch = Array.from({ length: rounds }, (_, i) => {
    const hour = i % 24;
    const { id, features: own } = candidates[i % 3]!;
    const { context, features: subject } = contextAt(hour);
    const chance = id === 'a' ? (hour < 12 ? 0.9 : 0.1) : id === 'b' ? (hour < 12 ? 0.1 : 0.9) : 0.05;
    const reward = random.next() < chance ? 1 : 0;
    return experience({
      slate: [{ id, propensity: 1 / 3 }],
      context,
      subject,
      features: { [id]: own },
      reward,
      rewardedId: id,
    });
  });
  void learner.update(batch, new AbortController().signal);
  return learner as LinearLearner;
}

function policyOf(learner: LinearLearner): Policy {
  const { family, parameters } = JSON.parse(JSON.stringify(learner.exportPolicy())) as ReturnType<
    LinearLearner['exportPolicy']
  >;
  return POLICY_FAMILIES[family]!({ policy: { id: 'p', version: 3 }, parameters: deepFreeze(parameters) });
}
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe.each(EVERY)('the policy of %s with %s weights', (kind, model) => {
  const learner = trained(kind, FEATURES[model]);
  const policy = policyOf(learner);

  it('is a distribution over any candidates, the same whenever it is asked', () => {
    for (const some of [candidates, candidates.slice(0, 1), [...candidates].reverse()]) {
      const distribution = policy.distribution(contextAt(8), some);
      expect(distribution).toHaveLength(some.length);
      expect(sum(distribution)).toBeCloseTo(1, 10);
      expect(distribution.every((p) => p >= 0)).toBe(true);
      policy.distribution(contextAt(20), candidates);
      expect(policy.distribution(contextAt(8), some)).toEqual(distribution);
      expect(policyOf(learner).distribution(contextAt(8), some)).toEqual(distribution);
    }
  });

  it('is what the learner itself would do, but for the rounding of an artifact', () => {
    const live = learner.livePolicy({ id: 'p', version: 3 });
    for (const hour of [3, 8, 15, 22]) {
      const now = live.distribution(contextAt(hour), candidates);
      policy.distribution(contextAt(hour), candidates).forEach((p, i) => expect(p).toBeCloseTo(now[i]!, 4));
      policy
        .scores(contextAt(hour), candidates)
        .forEach((score, i) => expect(score).toBeCloseTo(live.scores(contextAt(hour), candidates)[i]!, 5));
    }
  });

  it('explains a candidate by terms that add up to its score, largest first, and by what is not known', () => {
    for (const [index, candidate] of candidates.entries()) {
      const reasons = policy.explain(contextAt(9), candidates, index);
      const terms = reasons.filter(({ code }) => code.startsWith('term.'));
      const sizes = terms.map(({ contribution }) => Math.abs(contribution!));
      expect(sizes).toEqual([...sizes].sort((x, y) => y - x));
      if (terms.length < 5)
        expect(sum(terms.map(({ contribution }) => contribution!))).toBeCloseTo(reasons[0]!.contribution!, 6);
      expect(reasons.find(({ code }) => code === 'uncertainty')!.contribution).toBeGreaterThan(0);
      const { code } = reasons[0]!;
      expect(code).toBe(candidate.id === 'new' && model !== 'shared' ? 'untried' : 'mean');
      expect(['exploitation', 'exploration']).toContain(reasons.at(-1)!.code);
    }
  });

  it('answers where nothing at all is known of the situation', () => {
    const blank = contextAt(0, { context: {}, features: {}, personalized: false });
    const bare = candidates.map(({ id }) => candidateSchema.parse({ id }));
    expect(sum(policy.distribution(blank, bare))).toBeCloseTo(1, 10);
    expect(policy.scores(blank, bare).every(Number.isFinite)).toBe(true);
  });
});

describe.each(Object.keys(KINDS))('the policy of %s', (kind) => {
  it('chooses by the situation', () => {
    const policy = policyOf(trained(kind, FEATURES.disjoint, 3000));
    const known = candidates.slice(0, 3);
    const [a, b] = [8, 20].map((hour) => policy.distribution(contextAt(hour), known));
    expect(a![0]).toBeGreaterThan(0.9);
    expect(b![1]).toBeGreaterThan(0.9);
  });

  it('treats candidates alike while it knows nothing', () => {
    const plugin = KINDS[kind]!;
    for (const features of Object.values(FEATURES)) {
      const learner = plugin.create(plugin.configSchema.parse({ features }), { random: seededRandom(1), surface: 's' });
      const alike = ['x', 'y', 'z'].map((id) => candidateSchema.parse({ id, features: { price: 1 } }));
      policyOf(learner as LinearLearner)
        .distribution(contextAt(9), alike)
        .forEach((p) => expect(p).toBeCloseTo(1 / 3, 12));
    }
  });

  it('names the parameter that is wrong', () => {
    const { family, parameters } = trained(kind, FEATURES.hybrid).exportPolicy();
    const good = JSON.parse(JSON.stringify(parameters)) as Record<string, any>;
    const make = (change: (bad: Record<string, any>) => void): (() => Policy) => {
      const bad = structuredClone(good);
      change(bad);
      return () => POLICY_FAMILIES[family]!({ policy: { id: 'p', version: 1 }, parameters: bad });
    };
    const negative = Buffer.from(new Float64Array([-1, ...new Array<number>(11).fill(1)]).buffer).toString('base64');
    const cases: [string, (bad: Record<string, any>) => void][] = [
      ['parameters.features', (bad) => (bad['features'] = {})],
      ['parameters.features.arm.terms', (bad) => (bad['features'].arm.terms = [])],
      [
        'parameters.features.arm.terms.3.of.0',
        (bad) => bad['features'].arm.terms.push({ kind: 'cross', of: ['x', 'x'] }),
      ],
      ['parameters.precision', (bad) => (bad['precision'] = 0)],
      ['parameters.covariance', (bad) => (bad['covariance'] = 'diagonal')],
      ['parameters.beliefs.ids', (bad) => (bad['beliefs'].ids[1] = 'a')],
      ['parameters.beliefs.counts', (bad) => bad['beliefs'].counts.pop()],
      ['parameters.beliefs.weights.shape', (bad) => bad['features'].arm.terms.pop()],
      ['parameters.beliefs.coupling.shape', (bad) => bad['features'].shared.terms.pop()],
      ['parameters.beliefs.variances.data', (bad) => (bad['beliefs'].variances.data = negative)],
      ['parameters.beliefs.ties.data', (bad) => (bad['beliefs'].ties.data = 'AAAA')],
    ];
    for (const [field, change] of cases)
      expect(make(change)).toThrow(expect.objectContaining({ code: 'POLICY_PARAMETERS', field }));
    if (kind === 'lin-ucb')
      expect(make((bad) => (bad['alpha'] = -1))).toThrow(expect.objectContaining({ field: 'parameters.alpha' }));
    else expect(make((bad) => delete bad['draws'])).toThrow(expect.objectContaining({ field: 'parameters.draws' }));
  });
});

describe('Thompson sampling by stored draws', () => {
  it('gives each candidate the share of the draws that it wins', () => {
    const learner = trained('lin-ts', FEATURES.shared, 50, { draws: 7, scale: 2 });
    const distribution = policyOf(learner).distribution(contextAt(9), candidates);
    for (const p of distribution) expect(Math.abs(p * 7 - Math.round(p * 7))).toBeLessThan(1e-9);
  });

  it.each(['shared', 'hybrid'] as const)('comes near to ideal Thompson sampling with %s weights', (model) => {
    const learner = trained('lin-ts', FEATURES[model], 60, { draws: 2048, scale: 1 });
    const random = seededRandom(3);
    // Ideal: the joint posterior, drawn again and again from another generator.
    const plenty = trained('lin-ts', FEATURES[model], 60, { draws: 4096, scale: 1 });
    const snapshot = { ...plenty.snapshot(), seed: 99 };
    const plugin = KINDS['lin-ts']!;
    const config = plugin.configSchema.parse({ features: FEATURES[model], draws: 4096, scale: 1 });
    const other = plugin.create(config, { random, surface: 's' }, snapshot) as LinearLearner;
    const [one, two] = [learner, other].map((l) => policyOf(l).distribution(contextAt(9), candidates));
    one!.forEach((p, i) => expect(Math.abs(p - two![i]!)).toBeLessThan(0.06));
  });

  it('draws standard normal numbers', () => {
    const values = new Float64Array(40_001);
    fillNormals(seededRandom(2), values);
    const mean = sum([...values]) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(sum([...values].map((value) => value * value)) / values.length - 1)).toBeLessThan(0.05);
  });
});
