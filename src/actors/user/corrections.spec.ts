import { describe, expect, test } from '@jest/globals';
import { experiencesOf, replica, surfaceWith, UserRig } from '../../../test/support/user-actor.js';
import { reviveUserState } from './state.js';

const MINUTE = 60_000;
const WINDOW_MS = 10 * MINUTE;
const reward = {
  windowMs: WINDOW_MS,
  correctionMs: 60 * MINUTE,
  signals: { accept: { value: 1 }, click: { value: 0.3 }, 'trip.completed': { value: 0.8 } },
};
const state = [{ name: 'n', from: 'context', key: 'n', edges: [1, 2] }];
const rigWith = (surface: object = {}, user: object = {}, rewardChange: object = {}): UserRig => {
  const rig = new UserRig({ surfaces: [surfaceWith({ reward: { ...reward, ...rewardChange }, ...surface })] });
  const settings = { ...rig.settings, user: { ...rig.settings.user, ...user } };
  return Object.assign(rig, { settings }).consent();
};

describe('a signal after the window', () => {
  test('corrects what was said, in full, and each time by what was said last', () => {
    const rig = rigWith();
    const { id } = rig.decide({ context: { hour: 9 } });
    rig.event('click', { decisionId: id });
    const [said] = experiencesOf(rig.pass(WINDOW_MS));
    expect(said).toMatchObject({ status: 'complete', reward: 0.3 });
    const late = rig.event('trip.completed', { decisionId: id });
    expect(experiencesOf([late])).toEqual([
      {
        ...said,
        status: 'corrected',
        closedAtMs: rig.nowMs,
        reward: 0.8,
        events: [...(said!.events as object[]), { type: 'trip.completed' }],
        corrects: { status: 'complete', reward: 0.3, rewardedId: said!.rewardedId },
      },
    ]);
    expect(experiencesOf([rig.event('accept', { decisionId: id })])).toMatchObject([
      { status: 'corrected', reward: 1, corrects: { status: 'complete', reward: 0.8 } },
    ]);
  });

  test('has what policies were served with in that decision, boosts and floor, as its experience had', () => {
    const rules = { boost: [{ candidate: 'b', factor: 3 }] };
    const rig = rigWith({ rules, exploration: { floor: 0.1 } });
    const { id } = rig.decide({ candidates: [{ id: 'a' }, { id: 'b' }] });
    const [said] = experiencesOf(rig.pass(WINDOW_MS));
    const [corrected] = experiencesOf([rig.event('accept', { decisionId: id })]);
    for (const one of [said, corrected]) expect(one).toMatchObject({ boosts: { b: 3 }, explorationFloor: 0.1 });
  });

  test('that changes nothing says nothing', () => {
    const rig = rigWith();
    const { id } = rig.decide();
    rig.event('accept', { decisionId: id });
    rig.pass(WINDOW_MS);
    expect(rig.event('click', { decisionId: id })).toMatchObject({ outcome: 'ignored', reason: 'late', effects: [] });
  });

  test('without a decision goes to the latest that wants it, an open one first', () => {
    const rig = rigWith();
    const old = rig.decide();
    rig.nowMs += 1;
    const older = rig.decide();
    rig.pass(WINDOW_MS);
    expect(experiencesOf([rig.event('trip.completed')])).toMatchObject([{ decisionId: older.id }]);
    const open = rig.decide();
    expect(experiencesOf([rig.event('trip.completed')])).toEqual([]);
    expect(rig.state.pending).toMatchObject([{ nonce: open.id.split('.')[0] }]);
    expect(old.id).not.toBe(older.id);
  });

  test('is late for good behind the horizon, where a surface corrects nothing, and where too many closed since', () => {
    const behind = rigWith();
    const { id } = behind.decide();
    behind.pass(WINDOW_MS + 60 * MINUTE);
    expect(behind.state.closed).toEqual([]);
    expect(behind.kind.timer(behind.state)).toBe(0);
    expect(behind.event('accept', { decisionId: id })).toMatchObject({ outcome: 'ignored', reason: 'late' });

    const never = rigWith({}, {}, { correctionMs: 0 });
    const one = never.decide();
    never.pass(WINDOW_MS);
    expect(never.state.closed).toEqual([]);
    expect(never.event('accept', { decisionId: one.id })).toMatchObject({ outcome: 'ignored', reason: 'late' });

    const full = rigWith({}, { correctableMax: 2 });
    const ids = [full.decide().id, full.decide().id, full.decide().id];
    full.pass(WINDOW_MS);
    expect(full.state.closed).toHaveLength(2);
    expect(ids.map((decisionId) => full.event('accept', { decisionId }).outcome)).toEqual([
      'ignored',
      'applied',
      'applied',
    ]);
  });

  test('waits with an experience that waits for what follows, and comes right behind it', () => {
    const rig = rigWith({ state });
    const { id } = rig.decide({ context: { n: 0 } });
    rig.pass(WINDOW_MS);
    expect(experiencesOf([rig.event('accept', { decisionId: id })])).toEqual([]);
    const { body } = rig.ask({ context: { n: 1 } });
    expect(experiencesOf([rig.fold({ type: 'decision', body })])).toMatchObject([
      { decisionId: id, status: 'complete', reward: 0, next: { state: 'n=1' } },
      { decisionId: id, status: 'corrected', reward: 1, next: { state: 'n=1' }, corrects: { reward: 0 } },
    ]);
  });

  test('shows that what counted as not shown was, and says what it was', () => {
    const rig = rigWith({}, {}, { impression: 'required' });
    const { id } = rig.decide();
    expect(experiencesOf(rig.pass(WINDOW_MS))).toMatchObject([{ status: 'not-shown' }]);
    expect(experiencesOf([rig.event('accept', { decisionId: id })])).toMatchObject([
      { status: 'corrected', reward: 1, corrects: { status: 'not-shown', reward: 0, rewardedId: null } },
    ]);
  });

  test('both confirms a hold that still stands and corrects', () => {
    const rig = rigWith({ validMs: 3 * WINDOW_MS });
    rig.ledger = { campaigns: { c1: replica('c1', { offerValidMs: 3 * WINDOW_MS }) } };
    const { id } = rig.decide({ candidates: [{ id: 'five', campaign: 'c1' }] });
    rig.pass(WINDOW_MS);
    const { effects } = rig.event('accept', { decisionId: id });
    expect(effects).toMatchObject([
      { to: 'shared', op: { op: 'confirm' } },
      { to: 'experience', body: { status: 'corrected', reward: 1 } },
    ]);
    expect(rig.state.pending).toEqual([]);
  });

  test('corrects what was closed early', () => {
    const rig = rigWith({}, { pendingMax: 1 });
    const { id } = rig.decide();
    rig.decide();
    expect(experiencesOf([rig.event('accept', { decisionId: id })])).toMatchObject([
      { status: 'corrected', corrects: { status: 'censored' } },
    ]);
  });

  test('finds nothing after consent was withdrawn', () => {
    const rig = rigWith();
    const { id } = rig.decide();
    rig.pass(WINDOW_MS);
    rig.event('consent.withdrawn');
    expect(rig.state.closed).toEqual([]);
    rig.nowMs++;
    rig.event('consent.granted');
    expect(rig.event('accept', { decisionId: id })).toMatchObject({ outcome: 'ignored', reason: 'decision-unknown' });
  });

  test('reaches an anonymous actor, which forgets all behind the horizon', () => {
    const rig = new UserRig({ kind: 'anon', surfaces: [surfaceWith({ reward })] });
    const { id } = rig.decide();
    rig.pass(35 * MINUTE);
    const nonce = id.split('.')[0];
    const record = { type: 'output', name: 'reaction', from: 1, body: { nonce, type: 'accept' } } as const;
    expect(experiencesOf([rig.fold(record)])).toMatchObject([{ decisionId: id, status: 'corrected', reward: 1 }]);
    rig.pass(60 * MINUTE);
    expect(rig.kind.isVacant(rig.state)).toBe(true);
  });

  test('finds the same after saving', () => {
    const rig = rigWith();
    const { id } = rig.decide();
    rig.pass(WINDOW_MS);
    const revived = reviveUserState(JSON.parse(JSON.stringify(rig.state)));
    expect(revived).toEqual(rig.state);
    rig.state = revived;
    expect(experiencesOf([rig.event('accept', { decisionId: id })])).toMatchObject([{ status: 'corrected' }]);
  });
});
