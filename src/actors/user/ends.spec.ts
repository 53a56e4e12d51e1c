import { describe, expect, it } from '@jest/globals';
import { experiencesOf, operationsOf, replica, surfaceWith, UserRig } from '../../../test/support/user-actor.js';

const SIGNALS = { accept: { value: 1 }, click: { value: 0.3 } };
const offers = [
  { id: 'five', costCents: 500, features: {} },
  { id: 'three', costCents: 300, features: {} },
];
const both = {
  candidates: [
    { id: 'five', campaign: 'c1' },
    { id: 'three', campaign: 'c1' },
  ],
  k: 2,
};

function rigWith(reward: object = {}) {
  const surfaces = [surfaceWith({ reward: { windowMs: 600_000, signals: SIGNALS, ...reward } })];
  const rig = new UserRig({ surfaces }).consent();
  rig.ledger = { campaigns: { c1: replica('c1', { offers }) } };
  return rig;
}

describe('what an offer holds', () => {
  it.each([
    ['until its end', -1, [{ op: 'confirm', campaign: 'c1', amountCents: 500 }]],
    ['not at its end, though no timer has been folded yet', 0, []],
    ['not after it', 60_000, []],
  ])('is spent %s', (_, offsetMs, confirmed) => {
    const rig = rigWith();
    const { id, holds } = rig.decide({ candidates: [both.candidates[0]] });
    rig.nowMs = holds[0]!.untilMs + offsetMs;
    const taken = operationsOf([rig.event('accept', { decisionId: id })]);
    expect(taken.filter((op) => (op as { op: string }).op === 'confirm')).toMatchObject(confirmed);
  });

  it('comes back at its end, and before it with no record that comes by', () => {
    const rig = rigWith();
    const { holds } = rig.decide({ candidates: [both.candidates[0]] });
    rig.nowMs = holds[0]!.untilMs - 1;
    const { body } = rig.ask();
    expect(operationsOf([rig.fold({ type: 'decision', body })])).toEqual([]);
    expect(rig.state.pending[0]!.holdsEndMs).toBe(holds[0]!.untilMs);
    expect(operationsOf(rig.pass(1))).toMatchObject([{ op: 'release', campaign: 'c1', amountCents: 500 }]);
    expect(operationsOf(rig.pass(600_000))).toEqual([]);
  });

  it('of two offers in a slate, is paid for the one that is redeemed and comes back for the other, each once', () => {
    const rig = rigWith();
    const { id, slate } = rig.decide(both);
    expect(slate).toHaveLength(2);
    const taken = [
      rig.event('accept', { decisionId: id, candidateId: 'three' }),
      rig.event('accept', { decisionId: id, candidateId: 'three' }),
    ];
    expect(operationsOf(taken)).toMatchObject([{ op: 'confirm', amountCents: 300 }]);
    expect(operationsOf(rig.pass(3_600_000))).toMatchObject([{ op: 'release', amountCents: 500 }]);
  });

  it('of two offers that are both redeemed, is over at once', () => {
    const rig = rigWith();
    const { id } = rig.decide(both);
    const taken = ['five', 'three'].map((candidateId) => rig.event('accept', { decisionId: id, candidateId }));
    expect(operationsOf(taken)).toMatchObject([
      { op: 'confirm', amountCents: 500 },
      { op: 'confirm', amountCents: 300 },
    ]);
    expect(operationsOf(rig.pass(3_600_000))).toEqual([]);
  });

  it('is set aside beside what decisions in flight have reserved', () => {
    const rig = rigWith();
    rig.reserved = { c1: 500 };
    expect(rig.ask({ candidates: [both.candidates[0]] }).body).toMatchObject({ slate: [{ id: 'five' }], filtered: [] });
    rig.reserved = { c1: 501 };
    expect(rig.ask({ candidates: [both.candidates[0]] }).body).toMatchObject({
      slate: [],
      filtered: [{ id: 'five', rule: 'budget' }],
    });
  });

  it('is judged together for all offers of a slate', () => {
    const rig = rigWith();
    const { body } = rig.ask(both);
    // Each of them fits what is left by now, and both do not.
    rig.ledger = { campaigns: { c1: replica('c1', { offers, grantedCents: 700 }) } };
    expect(rig.fold({ type: 'decision', body })).toMatchObject({ outcome: 'refused', reason: 'budget' });
    rig.ledger = { campaigns: { c1: replica('c1', { offers, grantedCents: 800 }) } };
    expect(rig.fold({ type: 'decision', body })).toMatchObject({ outcome: 'applied' });
  });
});

describe('a window', () => {
  it.each([
    ['until its end', -1, 1],
    ['not at its end, though no timer has been folded yet', 0, 0],
    ['not after it', 5_000, 0],
  ])('takes a reward %s', (_, offsetMs, reward) => {
    const rig = rigWith();
    const { id, windowMs } = rig.decide();
    rig.nowMs += windowMs + offsetMs;
    const told = experiencesOf([rig.event('accept', { decisionId: id }), ...rig.pass(3_600_000)]);
    expect(told).toMatchObject([{ decisionId: id, status: 'complete', reward }]);
  });

  it('takes whatever comes at its last moment, and not the first of it alone', () => {
    const rig = rigWith();
    const { id, windowMs } = rig.decide();
    rig.nowMs += windowMs - 1;
    const came = [rig.event('click', { decisionId: id }), rig.event('accept', { decisionId: id })];
    const told = experiencesOf([...came, ...rig.pass(3_600_000)]);
    expect(told).toMatchObject([{ decisionId: id, status: 'complete', reward: 1 }]);
  });

  it('is not closed by what comes by a moment before its end', () => {
    const rig = rigWith();
    const { windowMs } = rig.decide();
    rig.nowMs += windowMs - 1;
    expect(experiencesOf([rig.event('session.started')])).toEqual([]);
    expect(experiencesOf(rig.pass(1))).toHaveLength(1);
  });
});

describe('a correction', () => {
  it('is told until its horizon, and not at it, though no timer has been folded yet', () => {
    for (const [offsetMs, count] of [
      [-1, 1],
      [0, 0],
    ] as const) {
      const rig = rigWith({ windowMs: 60_000, correctionMs: 30_000 });
      const { id } = rig.decide();
      rig.pass(60_000);
      rig.nowMs += 30_000 + offsetMs;
      expect(experiencesOf([rig.event('accept', { decisionId: id })])).toHaveLength(count);
    }
  });

  it('says something new each time', () => {
    const rig = rigWith({ windowMs: 60_000, correctionMs: 30_000 });
    const { id } = rig.decide({ candidates: [{ id: 'a' }] });
    rig.event('accept', { decisionId: id });
    rig.pass(60_000);
    rig.nowMs += 1;
    const late = [rig.event('click', { decisionId: id }), rig.event('accept', { decisionId: id })];
    expect(experiencesOf(late)).toEqual([]);
  });
});
