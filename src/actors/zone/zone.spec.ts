import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { latLngToCell } from 'h3-js';
import { deepFreeze } from '../../../test/support/deep-freeze.js';
import { DEFAULT_FOLD_SETTINGS, UTC } from '../../messages/settings.js';
import { zoneFactsSchema } from '../../messages/zones.js';
import { HOUR_MS, hourOfWeek } from '../../surfaces/sources/hour-of-week.js';
import type { ActorRecord, FoldContext, HandleContext } from '../host/actor-kind.js';
import { decayed } from './decay.js';
import { zoneFacts, zoneKind } from './zone.kind.js';
import { emptyZone, type ZoneState } from './zone.state.js';

const settings = DEFAULT_FOLD_SETTINGS;
const cell = latLngToCell(40.75, -73.98, settings.h3Resolution);
const address = { kind: 'zone', token: cell } as const;
/** A Monday, 00:00 UTC. */
const MONDAY = Date.UTC(2014, 3, 7);

let sequence = 0;
const ctx = (over: Partial<FoldContext<{ campaigns: object }>> = {}): FoldContext<never> =>
  ({
    address,
    partition: 0,
    sequence: ++sequence,
    atMs: MONDAY,
    settings,
    shared: { campaigns: {} },
    ...over,
  }) as never;

const event = (type: string, timeMs: number): ActorRecord => ({
  type: 'event',
  event: { source: 's', id: String(sequence), type, timeMs, data: {} },
});

const supply = (by: number): ActorRecord => ({ type: 'output', name: 'supply', from: 0, body: { by } });

/** `+1` and `-1` are drivers who come and go. */
const fold = (state: ZoneState, type: string, timeMs: number, over = {}): ZoneState => {
  const record = /^[+-]1$/.test(type) ? supply(Number(type)) : event(type, timeMs);
  const folded = zoneKind.fold(deepFreeze(state), record, ctx({ atMs: timeMs, ...over }));
  expect(folded.outcome).toBe('applied');
  return folded.state;
};
const foldAll = (types: readonly (readonly [string, number])[]): ZoneState =>
  types.reduce((state, [type, timeMs]) => fold(state, type, timeMs), emptyZone());

describe('zone fold', () => {
  it('counts each pickup once in the totals whatever the order of event times', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 * HOUR_MS }), { minLength: 1, maxLength: 60 }), (offsets) => {
        const state = foldAll(offsets.map((offset) => ['pickup', MONDAY + offset]));
        expect(state.pickupsTotal).toBe(offsets.length);
        expect(state.atMs).toBe(MONDAY + Math.max(...offsets));
      }),
      { numRuns: 100 },
    );
  });

  it('learns the same hours from shuffled events as long as they stay within the previous hour', () => {
    const hours = [[0, 10, 50], [65, 70], [119, 125], [200]].flat().map((minute) => MONDAY + minute * 60_000);
    const swapped = [hours[1]!, hours[0]!, hours[3]!, hours[2]!, hours[4]!, hours[6]!, hours[5]!, hours[7]!];
    const last: [string, number] = ['pickup', MONDAY + 10 * HOUR_MS];
    const inOrder = foldAll([...hours.map((t): [string, number] => ['pickup', t]), last]);
    const shuffled = foldAll([...swapped.map((t): [string, number] => ['pickup', t]), last]);
    expect(shuffled.profile).toEqual(inOrder.profile);
    expect(inOrder.profile.slice(0, 9)).toEqual([3, 3, 1, 1, 0, 0, 0, 0, 0]);
    expect(inOrder.thisHour).toBe(1);
  });

  it('counts a late pickup in the previous hour, and an older one in the totals only', () => {
    const state = foldAll([
      ['pickup', MONDAY + 2 * HOUR_MS],
      ['pickup', MONDAY + 3 * HOUR_MS],
      ['pickup', MONDAY + 2 * HOUR_MS + 5],
      ['pickup', MONDAY],
    ]);
    expect([state.thisHour, state.lastHour, state.pickupsTotal]).toEqual([1, 2, 4]);
  });

  it('halves its windows every half-life and weighs late events as if they had come in time', () => {
    const { halfLifeMs } = settings.zone;
    const late = foldAll([
      ['pickup', MONDAY + halfLifeMs],
      ['pickup', MONDAY],
    ]);
    expect(late.pickups).toBeCloseTo(1.5, 12);
    expect(fold(late, 'trip.requested', MONDAY + 2 * halfLifeMs).pickups).toBeCloseTo(0.75, 12);
  });

  it('counts drivers on duty exactly, however long they stay', () => {
    const three = foldAll(['+1', '+1', '+1'].map((by): [string, number] => [by, MONDAY]));
    expect(three.drivers).toBe(3);
    expect(fold(three, '-1', MONDAY + 30 * 60_000).drivers).toBe(2);
    expect(zoneFacts(fold(three, 'pickup', MONDAY + 9 * HOUR_MS), address).drivers).toBe(3);
  });

  it('rejects a driver who leaves without having come, and what is no driver', () => {
    for (const [by, reason] of [
      [-1, expect.stringContaining('SUPPLY_BELOW_ZERO')],
      [0, 'by must be 1 or -1.'],
      [0.5, 'by must be 1 or -1.'],
      [2, 'by must be 1 or -1.'],
    ] as const) {
      expect(zoneKind.fold(emptyZone(), supply(by), ctx())).toMatchObject({ outcome: 'rejected', reason });
    }
  });

  it('takes no event for the duty of a driver', () => {
    const folded = zoneKind.fold(emptyZone(), event('driver.online', MONDAY), ctx());
    expect(folded).toMatchObject({ outcome: 'rejected', reason: expect.stringContaining('DUTY_OF_DRIVER') });
  });

  it('opens its clock with the first driver', () => {
    const state = fold(emptyZone(), '+1', MONDAY);
    expect(zoneFacts(state, address)).toMatchObject({ atMs: MONDAY, hourIndex: MONDAY / HOUR_MS, hoursSeen: 1 });
  });

  it('averages the first weeks and smooths the later ones, empty hours included', () => {
    const { learningRate } = settings.zone;
    const week = 168 * HOUR_MS;
    const counts = [4, 2, 0, 0, 5];
    let state = emptyZone();
    counts.forEach((count, w) => {
      for (let i = 0; i < count; i++) state = fold(state, 'pickup', MONDAY + w * week + i);
    });
    state = fold(state, 'pickup', MONDAY + 5 * week - 10 * HOUR_MS);
    // Averages of 4, 2, 0; from the fourth week on the learning rate of 0.3 is above 1/n.
    const afterFour = 2 * (1 - learningRate);
    expect(state.profile[0]).toBeCloseTo(afterFour + learningRate * (5 - afterFour), 12);
    expect(zoneFacts(state, address).hoursSeen).toBe(5 * 168 - 9);
  });

  it('closes a gap of months as if hour by hour', () => {
    const early = foldAll([
      ['pickup', MONDAY],
      ['pickup', MONDAY + 5 * HOUR_MS],
    ]);
    const far = MONDAY + 40 * 168 * HOUR_MS + 7 * HOUR_MS;
    const jumped = fold(early, 'trip.requested', far);
    let walked = early;
    for (let t = MONDAY + 6 * HOUR_MS; t <= far; t += HOUR_MS) walked = fold(walked, 'trip.requested', t);
    jumped.profile.forEach((expected, slot) => expect(walked.profile[slot]).toBeCloseTo(expected, 6));
    expect(jumped.profile[hourOfWeek(far / HOUR_MS - 7, UTC)]).toBeLessThan(1e-4);
  });

  it('takes outputs of user actors like events', () => {
    const record: ActorRecord = { type: 'output', name: 'pickup', from: 3, body: { timeMs: MONDAY } };
    expect(zoneKind.fold(emptyZone(), record, ctx()).state.pickupsTotal).toBe(1);
  });

  it.each([
    ['consent, which is a person’s', event('consent.withdrawn', MONDAY), cell],
    ['an output without a time', { type: 'output', name: 'pickup', from: 0, body: {} } as ActorRecord, cell],
    ['a token that is no cell', event('pickup', MONDAY), 'nowhere'],
    ['a cell of another resolution', event('pickup', MONDAY), latLngToCell(40.75, -73.98, 5)],
  ])('rejects %s', (_, record, token) => {
    const folded = zoneKind.fold(emptyZone(), record, ctx({ address: { kind: 'zone', token } }));
    expect(folded.outcome).toBe('rejected');
    expect(folded.state).toBe(emptyZone());
    expect(folded.reason).toBeTruthy();
  });

  it('ignores an event type it does not know', () => {
    expect(zoneKind.fold(emptyZone(), event('rating', MONDAY), ctx())).toMatchObject({ outcome: 'ignored' });
  });

  it('survives a save and a load, also as JSON', () => {
    const state = foldAll([
      ['pickup', MONDAY],
      ['+1', MONDAY + 9 * HOUR_MS],
    ]);
    expect(zoneKind.revive(JSON.parse(JSON.stringify(state)))).toEqual(state);
    expect(() => zoneKind.revive({ ...state, pickups: -1 })).toThrow();
    expect(() => zoneKind.revive({ ...state, drivers: 0.5 })).toThrow();
  });
});

describe('zone mode', () => {
  const drive = (pickups: number, drivers: number): ZoneState =>
    foldAll([
      ...Array.from({ length: drivers }, (): [string, number] => ['+1', MONDAY]),
      ...Array.from({ length: pickups }, (): [string, number] => ['pickup', MONDAY]),
    ]);

  it('enters beyond one threshold and leaves within the other', () => {
    // (5 + 1) / (3 + 1) = 1.5 enters; with a fourth driver 1.2 leaves; in between nothing changes.
    const short = drive(5, 3);
    expect(short.mode).toBe('undersupplied');
    expect(drive(4, 3).mode).toBe('balanced');
    expect(fold(short, '+1', MONDAY).mode).toBe('balanced');
    const stays = fold(fold(short, '+1', MONDAY), 'pickup', MONDAY);
    expect([stays.pickups, stays.drivers, stays.mode]).toEqual([6, 4, 'balanced']);
    expect(drive(0, 1).mode).toBe('oversupplied');
  });

  it('offers an incentive only where drivers are short', () => {
    const offers = { balanced: 0, undersupplied: 175, oversupplied: 0 };
    const over = { settings: { ...settings, zone: { ...settings.zone, incentiveCents: offers } } };
    const short = fold(drive(5, 0), 'pickup', MONDAY, over);
    expect(zoneFacts(short, address).incentiveCents).toBe(175);
    const even = ['+1', '+1', '+1', '+1', '+1'].reduce((state, by) => fold(state, by, MONDAY, over), short);
    expect(zoneFacts(even, address)).toMatchObject({ mode: 'balanced', incentiveCents: 0 });
    // Without a configuration nothing is promised.
    expect(zoneFacts(drive(5, 0), address)).toMatchObject({ mode: 'undersupplied', incentiveCents: 0 });
  });

  it('counts a trip that was requested and picked up once', () => {
    const requested = foldAll(Array.from({ length: 3 }, (): [string, number] => ['trip.requested', MONDAY]));
    const both = ['pickup', 'pickup', 'pickup'].reduce((s, type) => fold(s, type, MONDAY), requested);
    expect(both.mode).toBe(requested.mode);
    expect(both.checkAtMs).toBe(requested.checkAtMs);
  });

  it('comes back to balance by its timer when nothing happens', () => {
    let state = drive(6, 0);
    const mode = state.mode;
    let due = zoneKind.timer(state);
    expect(due).toBeGreaterThan(MONDAY);
    // Set at the first crossing, the timer fires once too early and is then set to the moment of the last.
    for (let firings = 0; due > 0 && firings < 3; firings++, due = zoneKind.timer(state)) {
      expect(state.mode).toBe(mode);
      state = zoneKind.fold(deepFreeze(state), { type: 'timer', dueMs: due }, ctx({ atMs: due })).state;
    }
    expect([state.mode, due]).toEqual(['balanced', 0]);
  });

  it('becomes oversupplied by its timer when demand fades and drivers stay, and stays so', () => {
    let state = drive(5, 4);
    expect(state.mode).toBe('balanced');
    for (let due = zoneKind.timer(state), firings = 0; due > 0 && firings < 3; due = zoneKind.timer(state), firings++)
      state = zoneKind.fold(deepFreeze(state), { type: 'timer', dueMs: due }, ctx({ atMs: due })).state;
    expect([state.mode, zoneKind.timer(state), state.drivers]).toEqual(['oversupplied', 0, 4]);
  });

  it('fades demand also while drivers come and go', () => {
    const later = MONDAY + 6 * settings.zone.halfLifeMs;
    expect(fold(drive(6, 0), '+1', later).mode).not.toBe('undersupplied');
  });

  it('keeps a timer that events have overtaken, and sets it anew when it fires', () => {
    let state = drive(6, 0);
    const first = zoneKind.timer(state);
    state = fold(state, 'pickup', MONDAY + 60_000);
    expect(zoneKind.timer(state)).toBe(first);
    const fired = zoneKind.fold(state, { type: 'timer', dueMs: first }, ctx({ atMs: first })).state;
    expect(fired.mode).toBe('undersupplied');
    expect(zoneKind.timer(fired)).toBeGreaterThan(first);
  });
});

describe('zone requests', () => {
  const handle = (verb: string, token: string) =>
    zoneKind.handle(emptyZone(), verb, {}, { address: { kind: 'zone', token }, settings } as HandleContext<
      never,
      never
    >);

  it('answers view with facts', () => {
    const answer = handle('view', cell);
    expect(answer.do === 'reply' && zoneFactsSchema.parse(answer.body).pickupsTotal).toBe(0);
  });

  it.each([
    ['view', 'nowhere', 'ZONE_INVALID'],
    ['launch', cell, 'VERB_UNKNOWN'],
  ])('refuses %s of %s with %s', (verb, token, code) => {
    expect(handle(verb, token)).toMatchObject({ do: 'fail', error: { code } });
  });

  it('broadcasts what the schema accepts, and nothing while vacant', () => {
    const state = foldAll([
      ['pickup', MONDAY],
      ['pickup', MONDAY + 5 * HOUR_MS],
    ]);
    expect(zoneFactsSchema.parse(zoneKind.broadcast!(state, address, 0)).expectedByHour[0]).toBe(1);
    expect(zoneKind.broadcast!(emptyZone(), address, 0)).toBeUndefined();
  });

  it('decays nothing from nothing', () => expect(decayed(0, Infinity, 1)).toBe(0));
});
