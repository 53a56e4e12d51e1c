import { describe, expect, it } from '@jest/globals';
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

  it('gives each position what its item earned, and what a slate earned together to its last choice', () => {
    const credits = [
      { id: 'a', reward: 1 },
      { id: 'b', reward: 0.25 },
    ];
    const each = decided(readAttune(experience({ reward: 1.25, credits }), UNDECLARED_RANGE));
    expect(each.choices.map(({ reward }) => reward)).toEqual([0.25, 1]);
    expect(each.reward).toBe(1.25);
    const all = credits.map(({ id }) => ({ id, reward: 1.25 }));
    const together = decided(readAttune(experience({ reward: 1.25, credit: 'slate', credits: all }), UNDECLARED_RANGE));
    expect(together.choices.map(({ reward }) => reward)).toEqual([0, 1.25]);
    expect(together.reward).toBe(1.25);
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
