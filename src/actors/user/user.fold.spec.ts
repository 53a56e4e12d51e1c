import { describe, expect, test } from '@jest/globals';
import { latLngToCell } from 'h3-js';
import { experiencesOf, operationsOf, replica, surfaceWith, UserRig } from '../../../test/support/user-actor.js';
import type { DecisionBody } from '../../messages/decisions.js';
import { isVacant, reviveUserState } from './state.js';

const MINUTE = 60_000;
const place = { lat: 40.75, lng: -73.98 };
const cell = latLngToCell(place.lat, place.lng, 8);
const budgeted = { candidates: [{ id: 'five', campaign: 'c1' }] };

const consented = (options: ConstructorParameters<typeof UserRig>[0] = {}) => new UserRig(options).consent();

describe('consent', () => {
  test('without it nothing of an event is kept', () => {
    const rig = new UserRig();
    expect(rig.event('click')).toMatchObject({ outcome: 'ignored', reason: 'no-consent' });
    expect(isVacant(rig.state)).toBe(true);
  });

  test('zones are told all the same, but not of whom', () => {
    const rig = new UserRig();
    const { outcome, effects } = rig.event('pickup', place);
    expect(outcome).toBe('applied');
    expect(effects).toEqual([
      { to: 'actor', address: { kind: 'zone', token: cell }, name: 'pickup', body: { timeMs: rig.nowMs } },
    ]);
    expect(isVacant(rig.state)).toBe(true);
  });

  test('is given and withdrawn by purpose', () => {
    const rig = new UserRig();
    rig.event('consent.granted', { purposes: ['ads', 'personalization'] });
    rig.event('consent.withdrawn', { purposes: ['ads'] });
    expect(rig.state).toMatchObject({ mode: { consent: 'granted' }, purposes: ['personalization'] });
    rig.event('consent.withdrawn', { purposes: ['personalization'] });
    expect(rig.state).toMatchObject({ mode: { consent: 'withdrawn' }, purposes: [] });
  });

  test('a decision based on a state before the last change is refused, and its fact taken back', () => {
    const rig = consented();
    const { body } = rig.ask();
    rig.event('consent.withdrawn');
    expect(rig.fold({ type: 'decision', body })).toMatchObject({
      outcome: 'refused',
      reason: 'consent',
      effects: [{ to: 'experience', body: { decisionId: body.id, status: 'refused' } }],
    });
  });

  test('withdrawal strips what is pending of everything personal, and closes it as censored', () => {
    const rig = consented();
    rig.decide({ context: { mood: 'secret' } });
    rig.event('click', { decisionId: rig.decide({ context: { mood: 'secret' } }).id });
    const closed = experiencesOf([rig.event('consent.withdrawn')]);
    expect(rig.state.pending).toEqual([]);
    expect(closed).toHaveLength(2);
    expect(JSON.stringify(closed)).not.toContain('secret');
    for (const experience of closed)
      expect(experience).toMatchObject({ status: 'censored', reward: 0, events: [], context: {} });
  });

  test('an offer made before the withdrawal can still be taken', () => {
    const rig = consented();
    rig.ledger = { campaigns: { c1: replica('c1') } };
    const { id } = rig.decide(budgeted);
    rig.event('consent.withdrawn');
    expect(operationsOf([rig.event('accept', { decisionId: id })])).toMatchObject([{ op: 'confirm', campaign: 'c1' }]);
  });

  test('withdrawal takes a driver off the map', () => {
    const rig = consented();
    rig.event('driver.online', place);
    expect(rig.event('consent.withdrawn').effects).toMatchObject([
      { address: { kind: 'zone', token: cell }, name: 'supply', body: { by: -1 } },
    ]);
    expect(rig.state.dutyZone).toBe('');
  });
});

describe('sessions', () => {
  test('begin with the first activity and end by the app, by another id, or by idleness', () => {
    const rig = consented();
    rig.event('click', { sessionId: 'one' });
    expect(rig.state).toMatchObject({ mode: { session: 'active' }, sessionId: 'one', sessionStartMs: rig.nowMs });
    rig.nowMs += MINUTE;
    rig.event('click', { sessionId: 'two' });
    expect(rig.state).toMatchObject({ sessionId: 'two', sessionStartMs: rig.nowMs });
    rig.event('session.ended');
    expect(rig.state.mode.session).toBe('away');
    rig.event('click');
    rig.pass(rig.settings.user.sessionIdleMs);
    expect(rig.state.mode.session).toBe('away');
  });

  test('activity keeps a session open, without moving its timer each time', () => {
    const rig = consented();
    rig.event('click');
    const due = rig.kind.timer(rig.state);
    rig.nowMs += 20 * MINUTE;
    rig.event('click');
    expect(rig.kind.timer(rig.state)).toBe(due);
    rig.pass(15 * MINUTE);
    expect(rig.state.mode.session).toBe('active');
    rig.pass(15 * MINUTE);
    expect(rig.state.mode.session).toBe('away');
    expect(rig.kind.timer(rig.state)).toBe(0);
  });
});

describe('features', () => {
  test('count what happened, and remember the last zones', () => {
    const rig = consented();
    for (const type of ['impression', 'click', 'accept', 'skip', 'trip.completed']) rig.event(type);
    rig.event('rating', { value: 4 });
    rig.event('dwell', { value: 12 });
    for (let i = 0; i < 6; i++) rig.event('trip.started', { lat: 40 + i, lng: -73 });
    expect(rig.state).toMatchObject({
      impressions: 1,
      clicks: 1,
      accepts: 1,
      skips: 1,
      trips: 1,
      ratings: 1,
      ratingSum: 4,
    });
    expect(rig.state.zones).toHaveLength(rig.settings.user.recentZonesMax);
    expect(rig.state.zones[0]).toBe(latLngToCell(45, -73, 8));
  });

  test('the activity rate finds a steady rhythm and fades', () => {
    const rig = consented();
    for (let i = 0; i < 400; i++) {
      rig.nowMs += 6 * 60 * MINUTE;
      rig.event('click');
    }
    const rate = () =>
      (rig.handle('view', {}) as { body: { features: { eventsPerDay: number } } }).body.features.eventsPerDay;
    expect(rate()).toBeGreaterThan(3.5);
    expect(rate()).toBeLessThan(4.5);
    rig.nowMs += 7 * 24 * 60 * MINUTE;
    expect(rate()).toBeLessThan(2.3);
  });
});

describe('reward join', () => {
  test('credits the decision that an event names, once its window closes, exactly once', () => {
    const rig = consented();
    const { id } = rig.decide({ k: 2 });
    rig.event('click', { decisionId: id, candidateId: 'b' });
    rig.event('accept', { decisionId: id, candidateId: 'b' });
    const closed = experiencesOf(rig.pass(24 * 60 * MINUTE));
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatchObject({ decisionId: id, status: 'complete', reward: 1, rewardedId: 'b' });
    expect(closed[0]!.events).toEqual([
      { type: 'click', candidateId: 'b' },
      { type: 'accept', candidateId: 'b' },
    ]);
    expect(rig.state.pending).toEqual([]);
  });

  test.each([
    ['max', 1, 'a'],
    ['sum', 1.3, 'a'],
    ['last', 0.3, 'b'],
  ])('combines by %s', (combine, reward, rewardedId) => {
    const signals = { accept: { value: 1 }, click: { value: 0.3 } };
    const rig = consented({ surfaces: [surfaceWith({ reward: { windowMs: 1000, signals, combine, max: 5 } })] });
    const { id } = rig.decide({ k: 2 });
    rig.event('accept', { decisionId: id, candidateId: 'a' });
    rig.event('click', { decisionId: id, candidateId: 'b' });
    expect(experiencesOf(rig.pass(MINUTE))[0]).toMatchObject({ reward, rewardedId });
  });

  test('multiplies by the value where the surface says so, and clamps', () => {
    const reward = { windowMs: 1000, signals: { rating: { value: 0.5, perUnit: true } }, max: 2 };
    const rewardOf = (value: number) => {
      const rig = consented({ surfaces: [surfaceWith({ reward })] });
      rig.event('rating', { decisionId: rig.decide().id, value });
      return experiencesOf(rig.pass(MINUTE))[0]!.reward;
    };
    expect([rewardOf(3), rewardOf(30), rewardOf(-1)]).toEqual([1.5, 2, 0]);
  });

  test('an explicit reward counts without being declared', () => {
    const rig = consented();
    const { id } = rig.decide();
    rig.event('reward', { decisionId: id, value: 0.7 });
    expect(experiencesOf(rig.pass(60 * MINUTE))[0]).toMatchObject({ reward: 0.7 });
  });

  test('an outcome without a decision is credited to the latest one that has a reward for it', () => {
    const rig = consented();
    const first = rig.decide();
    rig.nowMs += MINUTE;
    const second = rig.decide();
    rig.event('trip.completed');
    const rewards = experiencesOf(rig.pass(60 * MINUTE)).map(({ decisionId, reward }) => [decisionId, reward]);
    expect(rewards).toEqual([
      [first.id, 0],
      [second.id, 0.8],
    ]);
  });

  test.each([
    ['too late', (rig: UserRig, id: string) => (rig.pass(11 * MINUTE), rig.event('click', { decisionId: id })), 'late'],
    ['of another', (rig: UserRig) => rig.event('click', { decisionId: 'nonce000000.user.43' }), 'decision-of-another'],
    ['unheard of', (rig: UserRig) => rig.event('click', { decisionId: 'nonce999999.user.42' }), 'decision-unknown'],
    ['garbled', (rig: UserRig) => rig.event('click', { decisionId: '?' }), 'decision-malformed'],
  ])('a reaction that is %s is recorded as ignored', (_name, react, reason) => {
    const rig = consented();
    const { id } = rig.decide();
    const before = rig.state.clicks;
    expect(react(rig, id)).toMatchObject({ outcome: 'ignored', reason, effects: [] });
    expect(rig.state.clicks).toBe(before);
  });

  test('an outcome counts whatever decision it names', () => {
    const rig = consented();
    const folded = rig.event('pickup', { ...place, decisionId: 'nonce999999.user.42' });
    expect(folded).toMatchObject({ outcome: 'applied', effects: [{ name: 'pickup' }] });
  });

  test('a reaction to an item that was not shown is rejected', () => {
    const rig = consented();
    const { id } = rig.decide();
    expect(rig.event('click', { decisionId: id, candidateId: 'zzz' })).toMatchObject({
      outcome: 'rejected',
      reason: 'candidate-not-in-slate',
    });
  });

  test('with too many pending the oldest is closed as censored', () => {
    const rig = consented();
    const ids = Array.from({ length: rig.settings.user.pendingMax }, () => rig.decide().id);
    const { body } = rig.ask();
    const closed = experiencesOf([rig.fold({ type: 'decision', body })]);
    expect(closed).toMatchObject([{ decisionId: ids[0], status: 'censored' }]);
    expect(rig.state.pending).toHaveLength(rig.settings.user.pendingMax);
  });

  test('an empty slate is a decision too, and was not shown', () => {
    const rig = consented();
    const body = rig.decide({ candidates: [] });
    expect(body.slate).toEqual([]);
    expect(experiencesOf(rig.pass(60 * MINUTE))).toMatchObject([
      { decisionId: body.id, status: 'not-shown', reward: 0 },
    ]);
  });
});

describe('impressions, where they are required', () => {
  const surface = surfaceWith({
    reward: { windowMs: 10 * MINUTE, signals: { accept: { value: 1 } }, impression: 'required' },
    caps: [{ scope: 'surface', max: 1, windowMs: 24 * 60 * MINUTE }],
    fatigue: { cost: 5 },
  });

  test('one confirms the cap and brings the fatigue', () => {
    const rig = consented({ surfaces: [surface] });
    const { id } = rig.decide();
    expect(rig.state.fatigue).toBe(0);
    rig.event('impression', { decisionId: id });
    rig.event('impression', { decisionId: id });
    expect(rig.state.fatigue).toBe(5);
    expect(experiencesOf(rig.pass(11 * MINUTE))).toMatchObject([{ status: 'complete' }]);
    expect(rig.ask().body.filtered.map(({ rule }) => rule)).toEqual([
      'cap.test.offer.surface',
      'cap.test.offer.surface',
    ]);
  });

  test('without one the cap is released when the window closes, and not before', () => {
    const rig = consented({ surfaces: [surface] });
    rig.decide();
    rig.nowMs += 9 * MINUTE;
    expect(rig.ask().body.slate).toEqual([]);
    expect(experiencesOf(rig.pass(MINUTE))).toMatchObject([{ status: 'not-shown' }]);
    expect(rig.ask().body.slate).toHaveLength(1);
    expect(rig.state.fatigue).toBe(0);
  });

  test('a click proves that it was seen', () => {
    const rig = consented({ surfaces: [surface] });
    rig.event('click', { decisionId: rig.decide().id });
    expect(experiencesOf(rig.pass(11 * MINUTE))).toMatchObject([{ status: 'complete' }]);
  });
});

describe('fatigue', () => {
  const surface = surfaceWith({ fatigue: { cost: 8 } });

  test('grows with decisions, decays, and leads into a cool-down that ends', () => {
    const rig = consented({ surfaces: [surface, surfaceWith({ id: 'exempt', fatigue: { cost: 0, exempt: true } })] });
    rig.decide();
    rig.decide();
    expect(rig.state.mode.fatigue).toBe('fresh');
    rig.decide();
    expect(rig.state.mode.fatigue).toBe('cooling');
    expect(rig.ask().body.filtered).toEqual([
      { id: 'a', rule: 'fatigue' },
      { id: 'b', rule: 'fatigue' },
    ]);
    expect(rig.ask({ surface: 'exempt' }).body.slate).toHaveLength(1);
    rig.pass(rig.settings.user.fatigue.coolDownMs);
    expect(rig.state.mode.fatigue).toBe('fresh');
    rig.pass(12 * 60 * MINUTE);
    expect(rig.ask().body.slate).toHaveLength(1);
  });
});

describe('holds', () => {
  const rigWithBudget = (grantedCents = 1000) => {
    const rig = consented();
    rig.ledger = { campaigns: { c1: replica('c1', { grantedCents }) } };
    return rig;
  };

  test('are taken by the decision, and given back when they end', () => {
    const rig = rigWithBudget();
    const { body } = rig.ask(budgeted);
    expect(body.holds).toEqual([
      {
        campaign: 'c1',
        candidateId: 'five',
        amountCents: 500,
        untilMs: body.validUntilMs + rig.settings.campaign.holdGraceMs,
      },
    ]);
    expect(body.validUntilMs).toBe(rig.nowMs + 30_000);
    const folded = rig.fold({ type: 'decision', body });
    expect(operationsOf([folded])).toEqual([{ op: 'hold', campaign: 'c1', amountCents: 500 }]);
    expect(operationsOf(rig.pass(24 * 60 * MINUTE))).toEqual([{ op: 'release', campaign: 'c1', amountCents: 500 }]);
    expect(rig.state.pending).toEqual([]);
  });

  test('are confirmed by an accept, once, and then never released', () => {
    const rig = rigWithBudget();
    const { id } = rig.decide(budgeted);
    const confirm = { op: 'confirm', campaign: 'c1', amountCents: 500, decisionId: id };
    expect(operationsOf([rig.event('accept', { decisionId: id })])).toEqual([confirm]);
    expect(operationsOf([rig.event('accept', { decisionId: id })])).toEqual([]);
    expect(operationsOf(rig.pass(24 * 60 * MINUTE))).toEqual([]);
  });

  test('an accept after they have ended confirms nothing', () => {
    const rig = rigWithBudget();
    const { id } = rig.decide(budgeted);
    rig.pass(2 * MINUTE);
    expect(operationsOf([rig.event('accept', { decisionId: id })])).toEqual([]);
  });

  test('outlive a shorter reward window', () => {
    const rig = consented({ surfaces: [surfaceWith({ reward: { windowMs: 1000, signals: {} } })] });
    rig.ledger = { campaigns: { c1: replica('c1') } };
    const { id } = rig.decide(budgeted);
    expect(experiencesOf(rig.pass(2000))).toHaveLength(1);
    expect(operationsOf([rig.event('accept', { decisionId: id })])).toMatchObject([{ op: 'confirm' }]);
    expect(experiencesOf(rig.pass(60 * MINUTE))).toEqual([]);
    expect(rig.state.pending).toEqual([]);
  });

  test.each([
    ['is gone', replica('c1', { heldCents: 600 })],
    ['is of a campaign that was paused', replica('c1', { status: 'paused' })],
  ])('a decision whose budget %s by the time it is folded is refused', (_name, later) => {
    const rig = rigWithBudget();
    const { body } = rig.ask(budgeted);
    rig.ledger = { campaigns: { c1: later } };
    expect(rig.fold({ type: 'decision', body })).toMatchObject({ outcome: 'refused', reason: 'budget' });
  });

  test('are taken before sampling: what others have reserved cannot be offered, and more is asked for', () => {
    const rig = rigWithBudget();
    rig.reserved = { c1: 501 };
    const body = rig.decide({ candidates: [...budgeted.candidates, { id: 'plain' }] });
    expect(body).toMatchObject({
      eligible: ['plain'],
      filtered: [{ id: 'five', rule: 'budget' }],
      wants: ['c1'],
      holds: [],
    });
  });

  test('asks for more when folded', () => {
    const rig = rigWithBudget(0);
    const { body } = rig.ask(budgeted);
    expect(operationsOf([rig.fold({ type: 'decision', body })])).toEqual([{ op: 'want', campaign: 'c1' }]);
  });

  test('outlive the early close of their decision, and its validUntil', () => {
    const rig = rigWithBudget(100_000);
    const first = rig.decide(budgeted);
    for (let i = 1; i < rig.settings.user.pendingMax; i++) rig.decide(budgeted);
    const { body } = rig.ask();
    const folded = rig.fold({ type: 'decision', body });
    expect(experiencesOf([folded])).toMatchObject([{ decisionId: first.id, status: 'censored' }]);
    expect(operationsOf([folded])).toEqual([]);
    rig.nowMs = first.validUntilMs;
    expect(operationsOf([rig.event('accept', { decisionId: first.id })])).toEqual([
      { op: 'confirm', campaign: 'c1', amountCents: 500, decisionId: first.id },
    ]);
    const released = operationsOf(rig.pass(60 * MINUTE));
    const release = { op: 'release', campaign: 'c1', amountCents: 500 };
    expect(released).toEqual(Array.from({ length: rig.settings.user.pendingMax - 1 }, () => release));
    expect(rig.state.pending).toEqual([]);
  });

  test('are not taken by more decisions of a subject at once than may be pending', () => {
    const rig = rigWithBudget(100_000);
    for (let i = 0; i < rig.settings.user.pendingMax; i++) rig.decide(budgeted);
    expect(rig.ask(budgeted).body).toMatchObject({ eligible: [], filtered: [{ id: 'five', rule: 'holds' }] });
    const { body } = rig.ask();
    const hold = { campaign: 'c1', candidateId: 'a', amountCents: 1, untilMs: rig.nowMs + MINUTE };
    expect(rig.fold({ type: 'decision', body: { ...body, holds: [hold] } })).toMatchObject({
      outcome: 'refused',
      reason: 'holds',
    });
    for (let i = 0; i < 3 * rig.settings.user.pendingMax; i++) rig.decide();
    expect(rig.state.pending).toHaveLength(2 * rig.settings.user.pendingMax);
  });
});

describe('anonymous actors', () => {
  const anonymous = () => new UserRig({ kind: 'anon' });

  test('a reaction finds its way through the subject that sent it', () => {
    const anon = anonymous();
    const { id } = anon.decide();
    const sender = new UserRig({ token: '7' });
    const { outcome, effects } = sender.event('accept', { decisionId: id, sessionId: 'secret' });
    expect(outcome).toBe('applied');
    expect(effects).toMatchObject([{ to: 'actor', address: { kind: 'anon', token: '42' }, name: 'reaction' }]);
    expect(JSON.stringify(effects)).not.toContain('secret');
    const [effect] = effects;
    anon.fold({ type: 'output', name: 'reaction', from: 3, body: (effect as { body: unknown }).body });
    expect(experiencesOf(anon.pass(60 * MINUTE))).toMatchObject([{ decisionId: id, reward: 1 }]);
  });

  test('know nothing once the session is over and nothing is pending', () => {
    const anon = anonymous();
    anon.decide();
    anon.pass(60 * MINUTE);
    expect(isVacant(anon.state)).toBe(true);
    expect(anon.kind.timer(anon.state)).toBe(0);
  });

  test('an event of their own without a decision is nothing', () => {
    expect(anonymous().event('click')).toMatchObject({ outcome: 'ignored', reason: 'no-decision' });
  });
});

describe('records that make no sense', () => {
  test('are rejected', () => {
    const rig = consented();
    expect(rig.fold({ type: 'command', body: {} })).toMatchObject({ outcome: 'rejected' });
    expect(rig.fold({ type: 'output', name: 'surprise', from: 0, body: {} })).toMatchObject({ outcome: 'rejected' });
  });

  test('a repeated requestId is refused by the fold', () => {
    const rig = consented();
    const { body } = rig.ask({ requestId: 'r' });
    expect(rig.fold({ type: 'decision', body }).outcome).toBe('applied');
    const again: DecisionBody = { ...body, id: 'nonce777777.user.42' };
    expect(rig.fold({ type: 'decision', body: again })).toMatchObject({ outcome: 'refused', reason: 'request-id' });
  });
});

describe('a saved state', () => {
  test('is revived as it was, and folds on the same way', () => {
    const rig = consented();
    rig.ledger = { campaigns: { c1: replica('c1') } };
    rig.event('driver.online', { ...place, sessionId: 's' });
    rig.event('click', { decisionId: rig.decide({ ...budgeted, requestId: 'r' }).id });
    const revived = reviveUserState(JSON.parse(JSON.stringify(rig.state)));
    expect(revived).toEqual(rig.state);
    expect(Object.keys(revived)).toEqual(Object.keys(rig.state));
    expect(revived.mode).toBe(rig.state.mode);
    const before = rig.pass(24 * 60 * MINUTE);
    rig.state = revived;
    rig.nowMs -= 24 * 60 * MINUTE;
    expect(rig.pass(24 * 60 * MINUTE).map(({ effects }) => effects)).toEqual(before.map(({ effects }) => effects));
  });

  test('that is none is refused', () => {
    expect(() => reviveUserState({})).toThrow();
    expect(() => reviveUserState({ ...new UserRig().state, caps: [{ key: 1 }] })).toThrow();
  });
});
