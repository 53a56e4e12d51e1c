import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { ActionLedger, savedLedgerSchema, STATES_MAX } from './action-ledger.js';

const MEANS: Readonly<Record<string, number>> = { bad: 0.2, fair: 0.5, best: 0.8 };
const ids = Object.keys(MEANS);

/** Experience of a policy that shows the arms with fixed probabilities; rewards are certain. */
function* played(shares: readonly number[], rounds: number, seed = 5): Generator<Experience> {
  const random = seededRandom(seed);
  for (let i = 0; i < rounds; i++) {
    const draw = random.next();
    const at = draw < shares[0]! ? 0 : draw < shares[0]! + shares[1]! ? 1 : 2;
    const slate = [{ id: ids[at]!, propensity: shares[at]! }];
    yield experience({ slate, eligible: ids, distribution: [...shares], reward: MEANS[ids[at]!]! });
  }
}
const told = (experiences: Iterable<Experience>): ActionLedger => {
  const ledger = new ActionLedger();
  for (const one of experiences) ledger.observe(one);
  return ledger;
};

describe('the regret proxy', () => {
  it('is the best action’s mean less what was earned', () => {
    const shares = [0.5, 0.3, 0.2];
    const expected = 0.8 - (0.5 * 0.2 + 0.3 * 0.5 + 0.2 * 0.8);
    expect(told(played(shares, 20_000)).regretProxy()).toBeCloseTo(expected, 1);
    expect(told(played([0.02, 0.03, 0.95], 20_000)).regretProxy()).toBeLessThan(0.04);
  });

  it('waits for evidence, and forgets it', () => {
    expect(new ActionLedger().regretProxy()).toBeNull();
    expect(told(played([1, 0, 0], 29)).regretProxy()).toBeNull();
    expect(told(played([1, 0, 0], 40)).regretProxy()).toBeCloseTo(0, 12);
    const gone = told([...played([0, 0, 1], 200), ...played([1, 0, 0], 6000)]);
    expect(gone.regretProxy()).toBeCloseTo(0, 2);
  });

  it.each<[string, Partial<Experience>]>([
    ['was not shown', { status: 'not-shown' }],
    ['was closed early', { status: 'censored' }],
    ['was withdrawn', { ending: 'withdrawn' }],
    ['has no propensity', { slate: [{ id: 'x', propensity: 0 }] }],
    ['was forced', { slate: [{ id: 'x', propensity: 1, forced: true }] }],
    ['showed nothing', { slate: [] }],
  ])('takes nothing from what %s', (_what, part) => {
    const ledger = told(played([1, 0, 0], 100));
    const before = ledger.save();
    for (let i = 0; i < 50; i++) ledger.observe(experience({ reward: 9, ...part }));
    expect(ledger.save()).toEqual(before);
  });

  it('credits an item with nothing where another one was rewarded', () => {
    const slate = [
      { id: 'a', propensity: 1 },
      { id: 'b', propensity: 1 },
    ];
    const rounds = Array.from({ length: 100 }, () => experience({ slate, reward: 1, rewardedId: 'b' }));
    expect(told(rounds).save().earned[1]).toBe(0);
  });
});

describe('numbers without measure', () => {
  it('leave it finite', () => {
    const ledger = told(played([0.5, 0.3, 0.2], 100));
    for (const reward of [Number.MAX_VALUE, -Number.MAX_VALUE, 1e12, -1e12])
      for (const propensity of [Number.MIN_VALUE, 1e-300, 1])
        for (let i = 0; i < 20; i++) ledger.observe(experience({ slate: [{ id: 'x', propensity }], reward }));
    expect(savedLedgerSchema.safeParse(ledger.save()).success).toBe(true);
    expect(ledger.regretProxy()).not.toBeNaN();
  });
});

describe('coverage', () => {
  it('is the share of eligible actions that were tried', () => {
    const ledger = new ActionLedger();
    const eligible = ['a', 'b', 'c', 'd'];
    const show = (id: string) => ledger.observe(experience({ slate: [{ id, propensity: 0.5 }], eligible }));
    expect([show('a'), show('a'), show('c')]).toEqual([0.25, 0.25, 0.5]);
    expect(ledger.observe(experience({ slate: [], eligible: [] }))).toBeUndefined();
  });

  it('counts states, up to its limit', () => {
    const ledger = new ActionLedger();
    for (let i = 0; i < 100; i++) ledger.observe(experience({ state: `n=${i % 10}` }));
    expect(ledger.statesVisited).toBe(10);
    for (let i = 0; i < 2 * STATES_MAX; i++) ledger.observe(experience({ state: `m=${i}` }));
    expect(ledger.statesVisited).toBe(STATES_MAX);
  });
});

describe('a saved ledger', () => {
  it('goes on bit for bit, and stays within its bounds', () => {
    const all = [...played([0.5, 0.3, 0.2], 500)].map((one, i) =>
      i % 3 === 0 ? one : { ...one, state: `s${i}`, slate: [{ id: `rare${i * 7}`, propensity: 0.1 }] },
    );
    const whole = told([...all, ...all.map((one, i) => ({ ...one, slate: [{ id: `more${i}`, propensity: 0.3 }] }))]);
    const first = told(all);
    const saved = savedLedgerSchema.parse(JSON.parse(JSON.stringify(first.save())));
    const second = new ActionLedger(saved);
    all.forEach((one, i) => second.observe({ ...one, slate: [{ id: `more${i}`, propensity: 0.3 }] }));
    expect(second.save()).toEqual(whole.save());
    for (let i = 0; i < 3000; i++) whole.observe(experience({ slate: [{ id: `other${i}`, propensity: 0.5 }] }));
    expect(whole.save().actions).toHaveLength(1024);
  });
});
