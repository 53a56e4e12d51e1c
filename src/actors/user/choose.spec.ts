import { describe, expect, test } from '@jest/globals';
import { surfaceWith, uniformPolicy, UserRig } from '../../../test/support/user-actor.js';
import { withBoost } from '../../policies/boost.js';
import { withFloor } from '../../policies/floor.js';
import { reasonOf } from '../../policies/fault-book.js';
import type { Policy } from '../../policies/policy.js';
import { drawSlate, keyedRandom } from '../../policies/sampling.js';
import { candidateSchema } from '../../messages/decisions.js';

const broken = (part: Partial<Policy>): Policy => ({ ...uniformPolicy('live'), ...part });
const CHAIN = { policy: 'live', fallback: ['second', 'given-order'] };
const asked = { k: 2, candidates: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] };
const threeOf = (policies: Record<string, Policy>) =>
  new UserRig({ surfaces: [surfaceWith(CHAIN)], policies }).consent();

describe('the fallback chain', () => {
  test('explores with the live policy alone', () => {
    const surfaces = [surfaceWith({ ...CHAIN, exploration: { floor: 0.3 } })];
    const skewed = { ...uniformPolicy('second'), distribution: () => [0.7, 0.2, 0.1] };
    const live = new UserRig({ surfaces, policies: { live: skewed } }).consent().ask(asked).body;
    expect(live.distribution).toEqual([0.7 * 0.7 + 0.1, 0.7 * 0.2 + 0.1, 0.7 * 0.1 + 0.1]);
    expect(live.explorationFloor).toBe(0.3);
    const missing = { live: undefined as unknown as Policy, second: skewed };
    const fallback = new UserRig({ surfaces, policies: missing }).consent().ask(asked).body;
    expect(fallback.distribution).toEqual([0.7, 0.2, 0.1]);
    expect(fallback.explorationFloor).toBeUndefined();
  });

  const failing: [name: string, live: Policy | undefined, code: string][] = [
    ['is missing', undefined, 'POLICY_MISSING'],
    ['throws', broken({ distribution: () => { throw new Error('boom'); } }), 'POLICY_THREW'], // prettier-ignore
    ['gives NaN', broken({ distribution: () => [NaN, 0.5, 0.5] }), 'POLICY_DISTRIBUTION'],
    ['gives too few numbers', broken({ distribution: () => [1] }), 'POLICY_DISTRIBUTION'],
    ['does not sum to 1', broken({ distribution: () => [0.2, 0.2, 0.2] }), 'POLICY_DISTRIBUTION'],
    ['gives a negative number', broken({ distribution: () => [-0.5, 1, 0.5] }), 'POLICY_DISTRIBUTION'],
    ['scores NaN', broken({ scores: () => [NaN, NaN, NaN] }), 'POLICY_SCORES'],
    ['explains with NaN', broken({ explain: () => [{ code: 'x', text: 'x', contribution: NaN }] }), 'POLICY_REASONS'],
    ['scores infinitely', broken({ scores: () => [1, Infinity, -Infinity] }), 'POLICY_SCORES'],
    ['cannot explain', broken({ explain: () => { throw new Error('boom'); } }), 'POLICY_THREW'], // prettier-ignore
  ];

  test.each(failing)('asks the next link where a policy %s, and says why', (_, live, code) => {
    const second = uniformPolicy('second');
    const { body, answer } = threeOf({ live: live as Policy, second }).ask(asked);
    expect(answer).toMatchObject({ policy: { id: 'second' }, fallbackReason: `live: ${code}` });
    expect(body).toMatchObject({ policy: { id: 'second' }, fallbackReason: `live: ${code}` });
    expect(answer.slate).toHaveLength(2);
  });

  test.each(failing)('ends in the static answer where both %s', (_, policy, code) => {
    const { answer } = threeOf({ live: policy as Policy, second: policy as Policy }).ask(asked);
    expect(answer).toMatchObject({
      policy: { id: 'given-order' },
      slate: [{ id: 'a', propensity: 1 }, { id: 'b' }],
      fallbackReason: `live: ${code}; second: ${code}`,
    });
  });

  test.each(failing.slice(1))(
    'tells of each policy that %s, with its version and what it threw',
    (_, policy, reason) => {
      const rig = threeOf({ live: policy!, second: policy! });
      rig.ask(asked);
      const { version } = policy!.ref;
      expect(rig.faults).toMatchObject([
        { part: 'policy', id: 'live', version, surface: 'test.offer' },
        { part: 'policy', id: 'second', version, surface: 'test.offer' },
      ]);
      for (const { error, part } of rig.faults)
        expect([reasonOf(part, error), error]).toEqual([reason, expect.any(Error)]);
    },
  );

  test('answers even where its static end is missing too', () => {
    const none = { live: undefined, second: undefined, 'given-order': undefined } as unknown as Record<string, Policy>;
    const { answer } = threeOf(none).ask(asked);
    expect(answer.fallbackReason).toBe('live: POLICY_MISSING; second: POLICY_MISSING; given-order: POLICY_MISSING');
    expect(answer.slate.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('says nothing where the live policy answers', () => {
    const rig = threeOf({});
    expect(rig.ask(asked).answer).toMatchObject({ policy: { id: 'live' }, fallbackReason: null });
    expect(rig.faults).toEqual([]);
  });
});

describe('a source', () => {
  const with_ = (candidates: () => unknown) =>
    new UserRig({
      surfaces: [surfaceWith({ candidates: { source: 'zones' } })],
      sources: new Map([
        ['zones', { name: 'zones', candidates: () => ({ candidates: candidates() as never, degraded: [] }) }],
      ]),
    }).consent();
  const offered = (features: object) => ({ id: 'a', features, nonPersonal: true });

  test.each<[string, () => unknown, string]>([
    ['throws', () => { throw new TypeError('boom'); }, 'SOURCE_THREW'], // prettier-ignore
    ['gives NaN', () => [offered({}), offered({ demand: NaN })], 'SOURCE_NOT_FINITE'],
    ['gives infinity', () => [offered({ demand: -Infinity })], 'SOURCE_NOT_FINITE'],
    ['gives a text', () => [offered({ demand: '7' })], 'SOURCE_NOT_FINITE'],
    ['gives too many', () => Array.from({ length: 501 }, () => offered({})), 'SOURCE_UNBOUNDED'],
  ])('that %s is passed over, named and told of', (_, candidates, reason) => {
    const rig = with_(candidates);
    const { body, answer } = rig.ask({ candidates: undefined });
    expect([answer.slate, body.degraded]).toEqual([[], ['candidates']]);
    expect(rig.faults).toMatchObject([{ part: 'source', id: 'zones', version: 0, surface: 'test.offer' }]);
    expect(reasonOf('source', rig.faults[0]!.error)).toBe(reason);
  });

  test('that is sound is believed', () => {
    const rig = with_(() => [offered({ demand: 1e308 })]);
    expect(rig.ask({ candidates: undefined }).answer.slate).toMatchObject([{ id: 'a' }]);
    expect(rig.faults).toEqual([]);
  });
});

describe('operator rules in a decision', () => {
  const boost = [
    { candidate: 'b', factor: 3 },
    { category: 'quiet', factor: 0.5 },
    { candidate: 'never-heard-of', factor: 100 },
  ];
  const candidates = [{ id: 'a' }, { id: 'b' }, { id: 'c', category: 'quiet' }, { id: 'd', category: 'other' }];

  test('a boost is in the distribution that is logged, and journaled so that it can be recomputed', () => {
    const surface = surfaceWith({ rules: { boost }, exploration: { floor: 0.2 } });
    const rig = new UserRig({ surfaces: [surface] }).consent();
    const { body } = rig.ask({ candidates, k: 3 });
    expect(body.boosts).toEqual({ b: 3, c: 0.5 });
    const odds = [1, 3, 0.5, 1].map((f) => 0.8 * (f / 5.5) + 0.2 / 4);
    body.distribution.forEach((p, i) => expect(p).toBeCloseTo(odds[i]!, 12));

    const eligible = body.eligible.map((id) => candidateSchema.parse({ id }));
    const base = withBoost(uniformPolicy('live'), ({ id }) => body.boosts?.[id] ?? 1);
    const context = { ...body, features: {}, nowMs: body.atMs };
    const again = withFloor(base, body.explorationFloor!).distribution(context, eligible);
    expect(again).toEqual(body.distribution);
    const drawn = drawSlate({
      distribution: again,
      floor: 0.2,
      k: 3,
      random: keyedRandom(rig.services.samplingKey, 'slate', body.id),
      reask: () => [],
    });
    expect(drawn.map(({ index, propensity }) => [body.eligible[index], propensity])).toEqual(
      body.slate.map(({ id, propensity }) => [id, propensity]),
    );
  });

  test('says so on what was boosted, and on nothing else', () => {
    const surface = surfaceWith({ rules: { boost } });
    const { body } = new UserRig({ surfaces: [surface] }).consent().ask({ candidates, k: 4 });
    const told = body.slate.filter(({ reasons }) => reasons.some(({ code }) => code === 'boosted'));
    expect(told.map(({ id }) => id).sort()).toEqual(['b', 'c']);
    expect(told.find(({ id }) => id === 'b')!.reasons).toContainEqual(
      expect.objectContaining({ code: 'boosted', contribution: 3 }),
    );
  });

  test('nothing is journaled where nothing among the eligible is boosted', () => {
    const { body } = new UserRig({ surfaces: [surfaceWith({ rules: { boost } })] }).consent().ask();
    expect(body.boosts).toEqual({ b: 3 });
    const other = new UserRig({ surfaces: [surfaceWith({ rules: { boost } })] }).consent().ask({
      candidates: [{ id: 'x' }, { id: '__proto__' }],
    });
    expect(other.body.boosts).toBeUndefined();
    expect(other.body.distribution).toEqual([0.5, 0.5]);
  });

  test('what is forbidden is filtered and named, and the policy is never asked about it', () => {
    const surface = surfaceWith({ rules: { forbid: [{ candidate: 'a' }, { category: 'quiet' }, { candidate: 'x' }] } });
    const { body } = new UserRig({ surfaces: [surface] }).consent().ask({ candidates, k: 4 });
    expect(body.eligible).toEqual(['b', 'd']);
    expect(body.filtered).toEqual([
      { id: 'a', rule: 'forbidden' },
      { id: 'c', rule: 'forbidden' },
    ]);
  });

  test('a pin, a boost and a ban live together', () => {
    const surface = surfaceWith({
      slate: { k: 3, max: 5, pins: [{ candidate: 'd', position: 0 }] },
      rules: { boost: [{ candidate: 'b', factor: 2 }], forbid: [{ candidate: 'a' }] },
    });
    const { body } = new UserRig({ surfaces: [surface] }).consent().ask({ candidates, k: 3 });
    expect(body.slate[0]).toMatchObject({ id: 'd', forced: true, propensity: 1 });
    // Behind the pin b and c are left, at odds of two to one.
    const second = body.slate[1]!;
    expect(second.propensity).toBeCloseTo(second.id === 'b' ? 2 / 3 : 1 / 3, 12);
  });

  test('all forbidden is an empty slate that says why', () => {
    const surface = surfaceWith({ rules: { forbid: [{ candidate: 'a' }, { candidate: 'b' }] } });
    const { answer } = new UserRig({ surfaces: [surface] }).consent().ask();
    expect(answer.slate).toEqual([]);
    expect(answer.filtered.map(({ rule }) => rule)).toEqual(['forbidden', 'forbidden']);
  });
});
