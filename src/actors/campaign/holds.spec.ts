/** What a hold's end means for the money, whoever is first: the reaction, the timer, or the end of the campaign. */
import { describe, expect, it } from '@jest/globals';
import { experiencesOf, operationsOf, replica, surfaceWith, UserRig } from '../../../test/support/user-actor.js';
import type { DecisionBody } from '../../messages/decisions.js';

const offers = [
  { id: 'five', costCents: 500, features: {} },
  { id: 'three', costCents: 300, features: {} },
];
const candidates = [
  { id: 'five', campaign: 'c1' },
  { id: 'three', campaign: 'c1' },
];
const DAY_MS = 86_400_000;
/** Longer than the reward's window or shorter: the two ends are apart either way. */
const windows = [1_000, 3_600_000];

function decided(windowMs: number): { rig: UserRig; body: DecisionBody } {
  const reward = { windowMs, signals: { accept: { value: 1 }, click: { value: 0.3 } } };
  const rig = new UserRig({ surfaces: [surfaceWith({ reward })] }).consent();
  rig.ledger = { campaigns: { c1: replica('c1', { offers }) } };
  return { rig, body: rig.decide({ candidates, k: 2 }) };
}

describe.each(windows)('holds of a slate of two offers, with a reward window of %d ms', (windowMs) => {
  it.each(candidates)('end apart: what $id confirms is spent, and only the other is released', ({ id }) => {
    const { rig, body } = decided(windowMs);
    expect(body.holds.map(({ candidateId }) => candidateId).sort()).toEqual(['five', 'three']);
    const amounts = new Map(offers.map((offer) => [offer.id, offer.costCents]));
    const other = offers.find((offer) => offer.id !== id)!;
    const accepted = rig.event('accept', { decisionId: body.id, candidateId: id });
    const operations = operationsOf([accepted, ...rig.pass(DAY_MS)]);
    expect(operations).toEqual([
      { op: 'confirm', campaign: 'c1', amountCents: amounts.get(id), decisionId: body.id },
      { op: 'release', campaign: 'c1', amountCents: other.costCents },
    ]);
  });

  it('are both spent where both are accepted, and both released where none is', () => {
    const { rig, body } = decided(windowMs);
    const accepted = candidates.map(({ id }) => rig.event('accept', { decisionId: body.id, candidateId: id }));
    expect(operationsOf([...accepted, ...rig.pass(DAY_MS)])).toMatchObject([{ op: 'confirm' }, { op: 'confirm' }]);
    const left = decided(windowMs);
    expect(operationsOf(left.rig.pass(DAY_MS))).toMatchObject([{ op: 'release' }, { op: 'release' }]);
  });

  it('are over at their end, before the timer is folded and not only from then on', () => {
    const { rig, body } = decided(windowMs);
    const [{ untilMs }] = body.holds as [DecisionBody['holds'][0]];
    rig.nowMs = untilMs - 1;
    const { rig: late, body: its } = decided(windowMs);
    late.nowMs = its.holds[0]!.untilMs;
    const accept = (one: UserRig, decisionId: string) => one.event('accept', { decisionId, candidateId: 'five' });
    expect(operationsOf([accept(rig, body.id)])).toMatchObject([{ op: 'confirm' }]);
    const operations = operationsOf([accept(late, its.id), ...late.pass(DAY_MS)]);
    expect(operations.map((one) => (one as { op: string }).op)).toEqual(['release', 'release']);
  });
});

describe('a reward', () => {
  it.each([
    [0, 1],
    [1, 0.3],
  ])('that comes %d ms after the last moment of its window, timer folded or not, makes %d', (afterMs, reward) => {
    const { rig, body } = decided(3_600_000);
    rig.event('click', { decisionId: body.id, candidateId: 'five' });
    rig.nowMs += 3_600_000 - 1 + afterMs;
    const folded = [rig.event('accept', { decisionId: body.id, candidateId: 'five' }), ...rig.pass(DAY_MS)];
    expect(experiencesOf(folded)).toMatchObject([{ reward }]);
  });
});
