/** What the families of independent arms have in common, and what each makes of the same evidence. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { candidateSchema } from '../../messages/decisions.js';
import { EPSILON_GREEDY_FAMILY, epsilonGreedyPolicy } from '../epsilon-greedy/policy.js';
import { GAUSSIAN_THOMPSON_FAMILY, gaussianThompsonPolicy } from '../gaussian-thompson/policy.js';
import type { DecisionContext } from '../policy.js';
import { assertDistribution } from '../sampling.js';
import { SOFTMAX_FAMILY, softmaxPolicy } from '../softmax/policy.js';
import type { PolicyFamily } from '../source.js';
import { BETA_THOMPSON_FAMILY, thompsonPolicy } from '../thompson/policy.js';
import { UCB1_FAMILY, ucb1Policy } from '../ucb1/policy.js';

const candidates = (...ids: string[]) => ids.map((id) => candidateSchema.parse({ id }));
const contextOf = (state?: string): DecisionContext => ({
  surface: 's',
  subjectKind: 'rider',
  personalized: true,
  context: {},
  features: {},
  ...(state === undefined ? {} : { state }),
  nowMs: 0,
});
const REF = { id: 'p', version: 1 };

const OWN: Readonly<Record<string, object>> = {
  [EPSILON_GREEDY_FAMILY]: { epsilon: 0.1 },
  [SOFTMAX_FAMILY]: { temperature: 0.05 },
  [UCB1_FAMILY]: {},
  [GAUSSIAN_THOMPSON_FAMILY]: {
    prior: { mean: 0.5, strength: 1 },
    noise: { kind: 'estimated', shape: 2, scale: 0.25 },
  },
  [BETA_THOMPSON_FAMILY]: { prior: [1, 1] },
};
const FAMILIES: [name: string, family: PolicyFamily][] = [
  [EPSILON_GREEDY_FAMILY, epsilonGreedyPolicy],
  [SOFTMAX_FAMILY, softmaxPolicy],
  [UCB1_FAMILY, ucb1Policy],
  [GAUSSIAN_THOMPSON_FAMILY, gaussianThompsonPolicy],
  [BETA_THOMPSON_FAMILY, thompsonPolicy],
];
type Counts = readonly [trials: number, mean: number];
/** The same evidence, as each family has it. */
const evidenceFor = (name: string, [n, mean]: Counts): number[] =>
  name === BETA_THOMPSON_FAMILY ? [1 + n * mean, 1 + n * (1 - mean)] : [n, mean, n * mean * (1 - mean)];
const rowFor = (name: string, row: Readonly<Record<string, Counts>>) =>
  Object.fromEntries(Object.entries(row).map(([id, counts]) => [id, evidenceFor(name, counts)]));

interface Known {
  readonly arms: Readonly<Record<string, Counts>>;
  readonly priorWeight?: number;
  readonly segments?: Readonly<Record<string, Readonly<Record<string, Counts>>>>;
}
const make = (name: string, family: PolicyFamily, { arms, priorWeight, segments }: Known, own: object = {}) =>
  family({
    policy: REF,
    parameters: {
      arms: rowFor(name, arms),
      ...(segments === undefined
        ? {}
        : {
            segments: {
              priorWeight: priorWeight ?? 20,
              arms: Object.fromEntries(Object.entries(segments).map(([key, row]) => [key, rowFor(name, row)])),
            },
          }),
      ...OWN[name],
      ...own,
    },
  });

describe.each(FAMILIES)('%s', (name, family) => {
  const arms: Record<string, Counts> = { good: [200, 0.8], poor: [200, 0.1], few: [3, 0.5] };

  test('gives a distribution over any candidates, that moves with them when they are put in another order', () => {
    const counts = fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(fc.array(counts, { minLength: 1, maxLength: 12 }), fc.nat(), (list, seed) => {
        const known = Object.fromEntries(list.map((one, i) => [`arm-${i}`, one]));
        const policy = make(name, family, { arms: known });
        const ids = [...Object.keys(known), 'never-tried'];
        const p = policy.distribution(contextOf(), candidates(...ids));
        assertDistribution(p, ids.length);
        const turn = seed % ids.length;
        const turned = [...ids.slice(turn), ...ids.slice(0, turn)];
        const q = policy.distribution(contextOf(), candidates(...turned));
        turned.forEach((id, i) => expect(Math.abs(q[i]! - p[ids.indexOf(id)]!)).toBeLessThan(1e-9));
        expect(policy.scores(contextOf(), candidates(...ids)).every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('prefers what did better', () => {
    const [good, poor] = make(name, family, { arms }).distribution(contextOf(), candidates('good', 'poor'));
    expect(good!).toBeGreaterThan(0.9);
    expect(poor!).toBeLessThan(0.1);
  });

  test('treats all that it does not know alike, and one candidate as certain', () => {
    const policy = make(name, family, { arms });
    const [x, y, z] = policy.distribution(contextOf(), candidates('x', 'y', '__proto__'));
    for (const p of [x!, y!, z!]) expect(p).toBeCloseTo(1 / 3, 12);
    expect(policy.distribution(contextOf(), candidates('good'))[0]).toBeCloseTo(1, 12);
  });

  test('explains with finite numbers, what is known and what is not', () => {
    const policy = make(name, family, { arms });
    const asked = candidates('good', 'poor', 'new');
    const told = asked.map((_, i) => policy.explain(contextOf(), asked, i));
    expect(told[0]!.map(({ code }) => code)).toEqual(expect.arrayContaining(['mean', 'trials', 'exploitation']));
    expect(told[1]!.map(({ code }) => code)).toContain('exploration');
    expect(told[2]![0]!.code).toBe('untried');
    for (const { contribution } of told.flat()) expect(Number.isFinite(contribution ?? 0)).toBe(true);
  });

  test('gives the same numbers from the same artifact, bit for bit, whatever was asked before', () => {
    const segments = { s: { good: [4, 0.5] as const } };
    const [one, other] = [make(name, family, { arms, segments }), make(name, family, { arms, segments })];
    other.distribution(contextOf('s'), candidates('few', 'poor'));
    other.distribution(contextOf('elsewhere'), candidates('few'));
    for (const state of [undefined, 's', 'elsewhere']) {
      expect(other.distribution(contextOf(state), candidates('good', 'few'))).toEqual(
        one.distribution(contextOf(state), candidates('good', 'few')),
      );
    }
  });

  describe('by segment', () => {
    const segments = { night: { poor: [60, 0.9] as const, good: [60, 0.2] as const } };
    const both = { arms: { good: [400, 0.7], poor: [400, 0.3] } as Record<string, Counts>, segments, priorWeight: 10 };

    test('goes by what the segment has seen, where it has seen enough', () => {
      const policy = make(name, family, both);
      const [good, poor] = policy.distribution(contextOf('night'), candidates('good', 'poor'));
      expect(poor!).toBeGreaterThan(good!);
      const [everywhere] = policy.distribution(contextOf(), candidates('good', 'poor'));
      expect(everywhere!).toBeGreaterThan(0.5);
    });

    test('starts a segment that was never seen from what all others know, and is less sure of it', () => {
      const policy = make(name, family, both);
      const asked = candidates('good', 'poor');
      const [fresh] = policy.scores(contextOf('dawn'), asked);
      const [whole] = policy.scores(contextOf(), asked);
      expect(Math.abs(fresh! - whole!)).toBeLessThan(0.05);
      const [good] = policy.distribution(contextOf('dawn'), asked);
      expect(good!).toBeGreaterThanOrEqual(0.5);
      expect(good!).toBeLessThanOrEqual(policy.distribution(contextOf(), asked)[0]! + 1e-9);
    });

    test('does not count what the segment saw a second time', () => {
      // All there is was seen in the segment: its belief is the same as without segments.
      const row: Record<string, Counts> = { good: [9, 0.7], poor: [7, 0.4] };
      const segmented = make(name, family, { arms: row, segments: { here: row }, priorWeight: 1000 });
      const plain = make(name, family, { arms: row });
      const asked = candidates('good', 'poor');
      segmented.distribution(contextOf('here'), asked).forEach((p, i) => {
        expect(p).toBeCloseTo(plain.distribution(contextOf(), asked)[i]!, 9);
      });
    });

    test('pays no heed to a state where the artifact has no segments', () => {
      const policy = make(name, family, { arms });
      const asked = candidates('good', 'few');
      expect(policy.distribution(contextOf('night'), asked)).toEqual(policy.distribution(contextOf(), asked));
    });
  });

  test.each([
    [{ arms: { a: [-1, 0, 0] } }, 'parameters.arms.a'],
    [{ arms: { a: [1] } }, 'parameters.arms.a'],
    [{ arms: { a: [NaN, 1, 1] } }, 'parameters.arms.a'],
    [{ arms: {}, segments: { priorWeight: -1, arms: {} } }, 'parameters.segments.priorWeight'],
    [{ arms: {}, segments: { priorWeight: 1, arms: { s: { a: ['x', 1, 1] } } } }, 'parameters.segments.arms.s.a'],
    [{ arms: {}, nonsense: 1 }, 'parameters'],
    [{}, 'parameters.arms'],
  ])('refuses parameters %j', (parameters, field) => {
    const attempt = () => family({ policy: REF, parameters: { ...OWN[name], ...parameters } });
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'POLICY_PARAMETERS', field: expect.stringContaining(field) }),
    );
  });
});

describe('exact probabilities', () => {
  const arms: Record<string, Counts> = { a: [10, 0.5], b: [20, 0.5], c: [30, 0.2] };
  const asked = candidates('a', 'b', 'c');

  test('ε-greedy: ε/n each, and the rest shared by the best', () => {
    const p = make(EPSILON_GREEDY_FAMILY, epsilonGreedyPolicy, { arms }, { epsilon: 0.3 }).distribution(
      contextOf(),
      asked,
    );
    expect(p).toEqual([0.1 + 0.35, 0.1 + 0.35, 0.1].map((x) => expect.closeTo(x, 15)));
  });

  test('softmax: e to the lead in temperatures', () => {
    const p = make(SOFTMAX_FAMILY, softmaxPolicy, { arms }, { temperature: 0.1 }).distribution(contextOf(), asked);
    expect(p[0]! / p[2]!).toBeCloseTo(Math.exp(3), 10);
    expect(p[0]).toBe(p[1]);
  });

  test('UCB1: all on the highest bound, shared where several have it, and on the untried first', () => {
    const policy = (own: object) => make(UCB1_FAMILY, ucb1Policy, { arms }, own);
    const bound = ([n, mean]: Counts): number => mean + Math.sqrt((2 * Math.log(60)) / n);
    const best = Object.values(arms).map(bound);
    expect(best.indexOf(Math.max(...best))).toBe(0);
    expect(policy({}).distribution(contextOf(), asked)).toEqual([1, 0, 0]);
    expect(policy({ exploration: 0 }).distribution(contextOf(), asked)).toEqual([0.5, 0.5, 0]);
    expect(policy({}).distribution(contextOf(), candidates('a', 'x', 'y'))).toEqual([0, 0.5, 0.5]);
    // Imagined trials make an untried arm's bound finite, and a low mean with many of them unattractive.
    const modest = policy({ prior: { mean: 0, weight: 100 } });
    expect(modest.distribution(contextOf(), candidates('c', 'x'))).toEqual([1, 0]);
  });

  test('UCB1: the bonus is √(2 ln N / n), to where two bounds meet', () => {
    const bonus = (n: number): number => Math.sqrt((2 * Math.log(110)) / n);
    const even = 0.1 + bonus(10) - bonus(100);
    for (const [mean, wins] of [
      [even - 1e-3, 'a'],
      [even + 1e-3, 'b'],
    ] as const) {
      const policy = make(UCB1_FAMILY, ucb1Policy, { arms: { a: [10, 0.1], b: [100, mean] } });
      const [a, b] = policy.distribution(contextOf(), candidates('a', 'b'));
      expect({ a, b }).toEqual(wins === 'a' ? { a: 1, b: 0 } : { a: 0, b: 1 });
    }
  });

  test('UCB1: the bound is in the unit of the reward', () => {
    const cents = Object.fromEntries(Object.entries(arms).map(([id, [n, mean]]) => [id, [n, mean * 900, 0]]));
    const policy = ucb1Policy({ policy: REF, parameters: { arms: cents, range: 900 } });
    expect(policy.distribution(contextOf(), asked)).toEqual([1, 0, 0]);
    const narrow = ucb1Policy({ policy: REF, parameters: { arms: cents, range: 1e-6 } });
    expect(narrow.distribution(contextOf(), candidates('b', 'c'))).toEqual([1, 0]);
  });

  test('Gaussian Thompson with a known variance: two arms by the Normal of their difference', () => {
    const noise = { kind: 'known', variance: 4 };
    const policy = make(GAUSSIAN_THOMPSON_FAMILY, gaussianThompsonPolicy, { arms }, { noise });
    // Means (0.5 + n·x̄)/(1 + n), variances 4/(1 + n); P(a > c) = Φ(difference / √(sum of variances)).
    const [difference, spread] = [5.5 / 11 - 6.5 / 31, Math.sqrt(4 / 11 + 4 / 31)];
    const p = policy.distribution(contextOf(), candidates('a', 'c'))[0]!;
    // Φ(0.4138…) by its series: ½ + φ(0)·(z − z³/6 + z⁵/40 − z⁷/336).
    const z = difference / spread;
    const phi = 0.5 + (z - z ** 3 / 6 + z ** 5 / 40 - z ** 7 / 336) / Math.sqrt(2 * Math.PI);
    expect(Math.abs(p - phi)).toBeLessThan(1e-4);
  });
});
