import { describe, expect, it } from '@jest/globals';
import { COMBINES, type Combine } from '../../../messages/rewards.js';
import { UNDECLARED_RANGE, type LineOutcome, type LoggedDecision } from '../logged.js';
import { readAttune } from './attune.js';

const experience = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    decisionId: 'd1',
    surface: 'rider.pickup',
    status: 'complete',
    decidedAtMs: 1000,
    closedAtMs: 2000,
    policy: { id: 'p', version: 1 },
    slate: [
      { id: 'b', propensity: 0.5 },
      { id: 'a', propensity: 0.6 },
    ],
    eligible: ['a', 'b', 'c'],
    distribution: [0.3, 0.5, 0.2],
    context: { hour: 8 },
    features: { a: { price: 2 } },
    reward: 1,
    rewardedId: 'a',
    events: [],
    ...changes,
  });

const decided = (outcome: LineOutcome): LoggedDecision => {
  if ('skipped' in outcome) throw new Error(outcome.skipped);
  return outcome.decision;
};

describe('readAttune', () => {
  it('reads a slate with the conditionals of its positions', () => {
    const outcome = readAttune(experience(), UNDECLARED_RANGE);
    expect(outcome).toMatchObject({
      decision: {
        kind: 'list',
        id: 'd1',
        reward: 1,
        actions: [{ id: 'a', features: { price: 2 } }, { id: 'b', features: {} }, { id: 'c' }],
        asked: { surface: 'rider.pickup', atMs: 1000 },
      },
    });
    const { choices } = decided(outcome);
    expect(choices).toEqual([
      { position: 0, action: 1, propensity: 0.5, eligible: [1, 0, 2], distribution: [0.5, 0.3, 0.2], reward: 0 },
      { position: 1, action: 0, propensity: 0.6, eligible: [0, 2], distribution: [0.6, 0.4], reward: 1 },
    ]);
  });

  const credits = (a: number, b: number) => [
    { id: 'a', reward: a },
    { id: 'b', reward: b },
  ];
  const earned = (changes: Record<string, unknown>, combine?: Combine) => {
    const { reward, choices } = decided(readAttune(experience(changes), UNDECLARED_RANGE, combine));
    return [reward, ...choices.map((choice) => Number(choice.reward!.toFixed(9)))];
  };

  it.each<[string, number, Record<string, unknown>, number[]]>([
    ['a sum', 1.25, { credits: credits(1, 0.25) }, [1.25, 0.25, 1]],
    ['the largest', 1, { credits: credits(1, 0.25) }, [1, 0.25, 0.75]],
    ['the largest, above', 1, { credits: credits(0.25, 1), rewardedId: 'b' }, [1, 1, 0]],
    ['the last', 0.25, { credits: credits(1, 0.25), rewardedId: 'b' }, [0.25, 0.25, 0]],
    ['a sum that was cut', 1, { credits: credits(0.75, 0.75) }, [1, 0.75, 0.25]],
    ['one item', 0.5, {}, [0.5, 0, 0.5]],
    ['the slate together', 1.25, { credit: 'slate', credits: credits(1.25, 1.25) }, [1.25, 0, 1.25]],
  ])('gives each position what its item adds to the reward, where that is %s', (_, reward, changes, expected) => {
    expect(earned({ reward, ...changes })).toEqual(expected);
  });

  it('takes the rule that it is told, and refuses what does not go by it', () => {
    const line = { reward: 1, credits: credits(1, 0) };
    for (const combine of COMBINES) expect(earned(line, combine)).toEqual([1, 0, 1]);
    const summed = { reward: 1.25, credits: credits(1, 0.25) };
    expect(earned(summed, 'sum')).toEqual([1.25, 0.25, 1]);
    for (const combine of ['max', 'last'] as const)
      expect(() => earned(summed, combine)).toThrow(
        expect.objectContaining({ code: 'LOG_CONTRADICTION', field: 'reward' }),
      );
  });

  it.each([
    [{ reward: 5, credits: credits(1, 0.25) }, 'reward'],
    [{ reward: 0.1, credits: credits(1, 0.25) }, 'reward'],
    [{ reward: 2, credit: 'slate', credits: credits(2, 1) }, 'credits.b'],
    [{ credits: [...credits(1, 0.25), { id: 'c', reward: 0 }] }, 'credits.c'],
    [{ credits: [...credits(1, 0.25), { id: 'a', reward: 1 }] }, 'credits.a'],
  ])('refuses %j, which contradicts itself', (changes, field) => {
    expect(() => readAttune(experience(changes), UNDECLARED_RANGE)).toThrow(
      expect.objectContaining({ code: 'LOG_CONTRADICTION', field }),
    );
  });

  it('holds rewards, credits and what a decision earned to the declared range', () => {
    const range = { min: 0, max: 1 };
    const outOf = (field: string) => expect.objectContaining({ code: 'LOG_REWARD_RANGE', field });
    expect(() => readAttune(experience({ reward: 1.25, credits: credits(1, 0.25) }), range)).toThrow(outOf('reward'));
    expect(() => readAttune(experience({ reward: 0.5, credits: credits(-1, 0.5) }), range)).toThrow(outOf('credits.a'));
    // Where a pinned item has earned less than nothing, the others have earned more than the whole.
    const slate = [
      { id: 'c', propensity: 1, forced: true },
      { id: 'b', propensity: 0.625 },
      { id: 'a', propensity: 1 },
    ];
    const more = [...credits(0.75, 0.75), { id: 'c', reward: -0.5 }];
    const line = experience({ slate, distribution: [], reward: 1, credits: more, rewardedId: 'b' });
    expect(() => readAttune(line, { min: -1, max: 1 })).toThrow(outOf('reward'));
    expect(decided(readAttune(line, { min: -1, max: 2 })).reward).toBe(1.5);
  });

  it('leaves pinned positions out, and what was pinned out of what was eligible', () => {
    const slate = [
      { id: 'c', propensity: 1, forced: true },
      { id: 'b', propensity: 0.625 },
    ];
    const outcome = readAttune(experience({ slate, rewardedId: 'b' }), UNDECLARED_RANGE);
    expect(outcome).toMatchObject({
      decision: { kind: 'single', choices: [{ position: 1, propensity: 0.625, eligible: [1, 0], reward: 1 }] },
    });
    const pinned = [{ id: 'c', propensity: 1, forced: true }];
    expect(readAttune(experience({ slate: pinned }), UNDECLARED_RANGE)).toEqual({ skipped: 'forced' });
  });

  it('does not take a distribution for the logged one that gives other propensities', () => {
    const slate = [{ id: 'b', propensity: 0.4 }];
    const outcome = readAttune(experience({ slate }), UNDECLARED_RANGE);
    expect(decided(outcome).choices[0]).not.toHaveProperty('distribution');
  });

  it.each([
    ['censored', { status: 'censored' }],
    ['not-shown', { status: 'not-shown' }],
    ['refused', { status: 'refused' }],
    ['withdrawn', { ending: 'withdrawn' }],
  ])('passes over what is %s', (reason, changes) => {
    expect(readAttune(experience(changes), UNDECLARED_RANGE)).toEqual({ skipped: reason });
  });

  it.each([
    ['LOG_MALFORMED', { reward: 'much' }],
    ['LOG_MALFORMED', { eligible: 'all' }],
    ['LOG_REWARD_RANGE', { reward: -1 }],
    ['LOG_PROPENSITY_RANGE', { slate: [{ id: 'a', propensity: 0 }] }],
    ['LOG_PROPENSITY_MISSING', { slate: [{ id: 'a' }] }],
    ['LOG_ACTION_UNKNOWN', { slate: [{ id: 'z', propensity: 0.5 }] }],
    [
      'LOG_ACTION_UNKNOWN',
      {
        slate: [
          { id: 'a', propensity: 0.3 },
          { id: 'a', propensity: 0.5 },
        ],
      },
    ],
    ['LOG_DISTRIBUTION', { distribution: [0.3, 0.5, 0.5] }],
  ])('refuses with %s', (code, changes) => {
    expect(() => readAttune(experience(changes), UNDECLARED_RANGE)).toThrow(expect.objectContaining({ code }));
  });
});
