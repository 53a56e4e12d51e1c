import { describe, expect, it } from '@jest/globals';
import { experience } from '../../test/support/learning.js';
import type { Experience, NextState } from '../messages/decisions.js';
import { actionOf, firstChoice, futureOf, isLearnable, trialsOf } from './credit.js';

const PINNED = [
  { id: 'pin', propensity: 1, forced: true as const },
  { id: 'a', propensity: 0.5 },
  { id: 'b', propensity: 0.5 },
];
const SKIPS = { censored: 'skip' } as const;
const LEARNS = { censored: 'learn' } as const;

describe('what may be learned of', () => {
  it.each<[boolean, Partial<Experience>, typeof SKIPS | typeof LEARNS]>([
    [true, {}, SKIPS],
    [false, { status: 'censored' }, SKIPS],
    [true, { status: 'censored' }, LEARNS],
    [false, { status: 'not-shown' }, LEARNS],
    [false, { status: 'refused' }, LEARNS],
    [false, { status: 'corrected' }, LEARNS],
    [false, { ending: 'withdrawn' }, LEARNS],
    [true, { ending: 'truncated' }, SKIPS],
    [false, { reward: Number.NaN }, LEARNS],
    [false, { reward: -Infinity }, LEARNS],
  ])('is %j for %j with %j', (expected, part, settings) => {
    const one = experience(part);
    expect(isLearnable(one, one.status, settings)).toBe(expected);
  });

  it('is for a correction what it is for the status that it corrects', () => {
    const correction = experience({ status: 'corrected' });
    expect(isLearnable(correction, 'complete', SKIPS)).toBe(true);
    expect(isLearnable(correction, 'censored', SKIPS)).toBe(false);
  });
});

describe('the trials of a slate', () => {
  const bounds = { min: 0, max: 1 };

  it('are of what the policy chose, with the reward of what was credited', () => {
    expect(trialsOf(PINNED, { reward: 0.5, rewardedId: 'b' }, bounds)).toEqual([
      ['a', 0],
      ['b', 0.5],
    ]);
  });

  it('credit the first item where none is named, be it pinned or not', () => {
    expect(trialsOf(PINNED.slice(1), { reward: 1, rewardedId: null }, bounds)[0]).toEqual(['a', 1]);
    expect(trialsOf(PINNED, { reward: 1, rewardedId: null }, bounds)).toEqual([
      ['a', 0],
      ['b', 0],
    ]);
  });

  it('give each of several items what it earned itself', () => {
    const credits = [
      { id: 'b', reward: 1 },
      { id: 'a', reward: 0.2 },
      { id: 'pin', reward: 0.4 },
    ];
    const slate = [...PINNED, { id: 'c', propensity: 1 }];
    expect(trialsOf(slate, { reward: 1.2, rewardedId: 'b', credits }, bounds)).toEqual([
      ['a', 0.2],
      ['b', 1],
      ['c', 0],
    ]);
    const one = experience({ slate, reward: 1.2, rewardedId: 'b', credits });
    expect(firstChoice(one)).toMatchObject({ item: { id: 'a' }, reward: 0.2 });
    expect(actionOf(one)).toEqual({ id: 'b', reward: 1 });
    expect(firstChoice({ ...one, credits: [{ id: 'b', reward: 1 }] })).toMatchObject({ reward: 0 });
  });

  it('keep to the bounds, and give what was not credited as near to nothing as they allow', () => {
    expect(trialsOf(PINNED, { reward: 9, rewardedId: 'b' }, { min: 2, max: 5 })).toEqual([
      ['a', 2],
      ['b', 5],
    ]);
    expect(trialsOf(PINNED, { reward: -9, rewardedId: 'b' }, { min: -5, max: 5 }, -5)).toEqual([
      ['a', -5],
      ['b', -5],
    ]);
  });

  it('are none of an empty slate', () => {
    expect(trialsOf([], { reward: 1, rewardedId: null }, bounds)).toEqual([]);
  });
});

describe('the first choice of a decision', () => {
  it.each<[string, Partial<Experience>, ReturnType<typeof firstChoice>]>([
    ['earned what was credited to it', { rewardedId: 'a', reward: 3 }, { item: PINNED[1]!, reward: 3 }],
    ['earned what nobody is named for', { rewardedId: null, reward: 3 }, { item: PINNED[1]!, reward: 3 }],
    ['earned nothing of what is another’s', { rewardedId: 'b', reward: 3 }, { item: PINNED[1]!, reward: 0 }],
    ['is none where all is pinned', { slate: PINNED.slice(0, 1), reward: 3 }, undefined],
  ])('%s', (_, part, expected) => {
    expect(firstChoice(experience({ slate: PINNED, ...part }))).toEqual(expected);
  });
});

describe('the action of a decision', () => {
  it.each<[string, Partial<Experience>, ReturnType<typeof actionOf>]>([
    ['what was credited', { rewardedId: 'b', reward: 3 }, { id: 'b', reward: 3 }],
    ['what the policy put on top, where nothing is named', { rewardedId: null, reward: 3 }, { id: 'a', reward: 3 }],
    ['the same, with nothing of what a pinned item earned', { rewardedId: 'pin', reward: 3 }, { id: 'a', reward: 0 }],
    ['none where the policy chose nothing', { slate: PINNED.slice(0, 1), rewardedId: 'pin' }, undefined],
  ])('is %s', (_, part, expected) => {
    expect(actionOf(experience({ slate: PINNED, ...part }))).toEqual(expected);
  });
});

describe('what follows a step', () => {
  const read = ({ state }: NextState): string | undefined => state;
  const next: NextState = { state: 't', eligible: ['a'] };
  const skip = { discount: 0.9, withoutNext: 'skip' } as const;
  const terminal = { discount: 0.9, withoutNext: 'terminal' } as const;

  it.each<[string | undefined, Partial<Experience>, Parameters<typeof futureOf>[1]]>([
    ['t', { next }, skip],
    ['t', { next, ending: 'truncated' }, skip],
    ['terminal', { next, ending: 'terminal' }, skip],
    ['terminal', { next: null }, { ...skip, discount: 0 }],
    [undefined, { next: null }, skip],
    [undefined, { next: { eligible: [] } }, skip],
    ['terminal', { next: null }, terminal],
    [undefined, { next: null, ending: 'truncated' }, terminal],
  ])('is %j for %j with %j', (expected, part, settings) => {
    expect(futureOf(experience(part), settings, read)).toBe(expected);
  });
});
