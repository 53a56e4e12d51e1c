import { describe, expect, it } from '@jest/globals';
import { experiencesOf, surfaceWith, UserRig } from '../../../test/support/user-actor.js';
import { creditedActions } from '../../../test/support/credited.js';

const HOUR = 3_600_000;
const signals = { click: { value: 0.2 }, accept: { value: 1 }, 'trip.completed': { value: 0.5 } };

function outcomeOf(reward: object, events: readonly (readonly [type: string, candidateId?: string])[]) {
  const rig = new UserRig({
    surfaces: [surfaceWith({ reward: { windowMs: HOUR, max: 2, signals, ...reward } })],
  }).consent();
  const { id, slate } = rig.decide({ k: 3, candidates: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] });
  for (const [type, candidateId] of events)
    rig.event(type, { decisionId: id, ...(candidateId === undefined ? {} : { candidateId }) });
  const [experience] = experiencesOf(rig.pass(2 * HOUR));
  return { experience: experience!, first: slate[0]!.id };
}

describe('credit by item', () => {
  it('gives each item what its own signals come to', () => {
    const { experience } = outcomeOf({ combine: 'sum' }, [
      ['click', 'a'],
      ['accept', 'b'],
      ['click', 'b'],
    ]);
    expect(experience).toMatchObject({ reward: 1.4, rewardedId: 'b' });
    expect(creditedActions(experience)).toEqual({ a: 0.2, b: 1.2, c: 0 });
  });

  it.each([
    ['max', { a: 0.2, b: 1, c: 0 }, 1],
    ['last', { a: 0.2, b: 0.2, c: 0 }, 0.2],
  ])('combines each item’s by %s as all of them', (combine, earned, reward) => {
    const { experience } = outcomeOf({ combine }, [
      ['accept', 'b'],
      ['click', 'a'],
      ['click', 'b'],
    ]);
    expect(creditedActions(experience)).toEqual(earned);
    expect(experience['reward']).toBe(reward);
  });

  it.each([
    [[['accept', 'b'], ['trip.completed']], { b: 1.5 }],
    [[['accept', 'b'], ...Array.from({ length: 40 }, () => ['dwell'] as const), ['trip.completed']], { b: 1.5 }],
    [[...Array.from({ length: 40 }, () => ['dwell'] as const), ['accept', 'c'], ['trip.completed']], { c: 1.5 }],
    [[['accept', 'a'], ['accept', 'b'], ['trip.completed']], { a: 1, b: 1.5 }],
    [
      [
        ['accept', 'b'],
        ['trip.completed', 'c'],
      ],
      { b: 1, c: 0.5 },
    ],
    [[['accept', 'b'], ['click', 'c'], ['trip.completed']], { b: 1.5, c: 0.2 }],
  ] as [(readonly [string, string?])[], object][])(
    'gives what names no item to the one accepted last',
    (events, earned) => {
      const { experience } = outcomeOf({ combine: 'sum' }, events);
      expect(creditedActions(experience)).toEqual({ a: 0, b: 0, c: 0, ...earned });
    },
  );

  it('takes an accept that names no item for the first one’s', () => {
    const { experience, first } = outcomeOf({ combine: 'sum' }, [['accept'], ['trip.completed']]);
    expect(creditedActions(experience)).toEqual({ a: 0, b: 0, c: 0, [first]: 1.5 });
  });

  it('knows the item accepted also where accepting is worth nothing, or comes before the correction', () => {
    const reward = { windowMs: HOUR, correctionMs: HOUR, max: 2, signals: { 'trip.completed': { value: 0.5 } } };
    const rig = new UserRig({ surfaces: [surfaceWith({ reward })] }).consent();
    const { id, slate } = rig.decide({ k: 2 });
    const second = slate[1]!.id;
    rig.event('accept', { decisionId: id, candidateId: second });
    rig.pass(HOUR);
    expect(experiencesOf([rig.event('trip.completed')])).toMatchObject([{ reward: 0.5, rewardedId: second }]);
  });

  it('clamps what each earned, and gives what names no item to the first', () => {
    const { experience, first } = outcomeOf({ combine: 'sum', max: 0.6 }, [
      ['trip.completed'],
      ['accept', 'b'],
      ['click', 'a'],
    ]);
    const earned = { a: 0.2, b: 0.6, c: 0 } as Record<string, number>;
    expect(creditedActions(experience)).toEqual({ ...earned, [first]: Math.min(0.6, earned[first]! + 0.5) });
    expect(experience['reward']).toBe(0.6);
  });

  it('says no more than before where one item earned all', () => {
    const { experience } = outcomeOf({ combine: 'sum' }, [['accept', 'b']]);
    expect(experience).not.toHaveProperty('credits');
    expect(creditedActions(experience)).toEqual({ a: 0, b: 1, c: 0 });
  });
});

describe('credit by slate', () => {
  it('gives every item that was chosen all of the reward', () => {
    const { experience } = outcomeOf({ combine: 'sum', credit: 'slate' }, [
      ['click', 'a'],
      ['accept', 'b'],
    ]);
    expect(experience).toMatchObject({ reward: 1.2, credit: 'slate' });
    expect(creditedActions(experience)).toEqual({ a: 1.2, b: 1.2, c: 1.2 });
  });

  it('gives nothing where nothing came', () => {
    expect(creditedActions(outcomeOf({ credit: 'slate' }, []).experience)).toEqual({ a: 0, b: 0, c: 0 });
  });
});

describe('a correction', () => {
  it('says what each item earned, before and now', () => {
    const reward = { windowMs: HOUR, correctionMs: HOUR, max: 2, signals, combine: 'sum' };
    const rig = new UserRig({ surfaces: [surfaceWith({ reward })] }).consent();
    const { id } = rig.decide({ k: 2 });
    rig.event('click', { decisionId: id, candidateId: 'a' });
    rig.event('click', { decisionId: id, candidateId: 'b' });
    rig.pass(HOUR);
    const [corrected] = experiencesOf([rig.event('accept', { decisionId: id, candidateId: 'a' })]);
    expect(corrected).toMatchObject({
      status: 'corrected',
      reward: 1.4,
      corrects: {
        reward: 0.4,
        credits: expect.arrayContaining([
          { id: 'a', reward: 0.2 },
          { id: 'b', reward: 0.2 },
        ]),
      },
    });
    expect(creditedActions(corrected!)).toEqual({ a: 1.2, b: 0.2 });
  });
});
