import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { experiencesOf, operationsOf, replica, surfaceWith, UserRig } from '../../../test/support/user-actor.js';
import { PURPOSES_MAX } from '../../messages/events.js';
import { EMPTY_CONSENT, grantedPurposes, isGranted, withGrant, withWithdrawal } from './consent-table.js';
import { CONSENT_SKEW_MS } from './consent.js';
import { LISTS_BY_PURPOSE, NO_PROFILE, SLICES } from './slices.js';
import { createUserState } from './state.js';

const HOUR = 3_600_000;
const place = { lat: 40.75, lng: -73.98 };

describe('every field of a subject', () => {
  it('hangs on one purpose, or is no profile', () => {
    const declared = [...Object.values(SLICES).flatMap(({ fields }) => fields), ...LISTS_BY_PURPOSE, ...NO_PROFILE];
    expect([...declared].sort()).toEqual(Object.keys(createUserState()).sort());
  });
});

describe('consent', () => {
  it('to something else alone writes and reads nothing of the profile', () => {
    const rig = new UserRig();
    rig.event('consent.granted', { purposes: ['marketing'] });
    for (const type of ['pickup', 'trip.completed', 'click', 'driver.online', 'rating'])
      rig.event(type, { ...place, value: 3 });
    const { body } = rig.handle('view', {}) as { body: Record<string, Record<string, unknown>> };
    for (const part of [body['counters']!, body['features']!])
      expect(Object.values(part).every((value) => value === 0)).toBe(true);
    expect(body).toMatchObject({ lastZones: [], driverZone: null });
  });

  it('to a purpose makes decisions for it personal, and no others', () => {
    const rig = new UserRig({ surfaces: [surfaceWith(), surfaceWith({ id: 'test.ad', purpose: 'marketing' })] });
    rig.event('consent.granted', { purposes: ['marketing'] });
    expect(rig.handle('decide', { surface: 'test.offer', candidates: [{ id: 'a' }] })).toMatchObject({
      do: 'redirect',
    });
    expect(rig.decide({ surface: 'test.ad' })).toMatchObject({ personalized: true, purpose: 'marketing' });
    expect(rig.state.decisions).toBe(0);
  });

  it('is gone with all that was kept for it, and given again begins with nothing', () => {
    const rig = new UserRig({
      surfaces: [surfaceWith({ caps: [{ scope: 'surface', max: 3, windowMs: HOUR }], fatigue: { cost: 3 } })],
    }).consent();
    const { id } = rig.decide({ requestId: 'r1' });
    rig.event('click', { ...place, decisionId: id });
    rig.event('trip.completed', place);
    rig.event('driver.online', place);
    rig.pass(1000);
    rig.event('consent.withdrawn');
    const { mode, consent, consentSequence } = rig.state;
    expect(rig.state).toEqual({ ...createUserState(), mode, consent, consentSequence });
    rig.pass(1000);
    rig.event('consent.granted');
    expect(rig.handle('view', {})).toMatchObject({
      body: { counters: { events: 0, trips: 0, clicks: 0 }, features: { eventsPerDay: 0 }, lastZones: [], caps: [] },
    });
  });

  it('withdrawn for one purpose closes the decisions made for it, and leaves those of another', () => {
    const rig = new UserRig({ surfaces: [surfaceWith(), surfaceWith({ id: 'test.ad', purpose: 'marketing' })] });
    rig.event('consent.granted', { purposes: ['marketing', 'personalization'] });
    const own = rig.decide({ context: { mood: 'secret' } });
    const ad = rig.decide({ surface: 'test.ad' });
    rig.event('click', place);
    rig.pass(1);
    const folded = rig.event('consent.withdrawn', { purposes: ['personalization'] });
    expect(experiencesOf([folded])).toMatchObject([{ decisionId: own.id, status: 'censored', ending: 'withdrawn' }]);
    expect(rig.state).toMatchObject({
      events: 0,
      zones: [],
      purposes: ['marketing'],
      pending: [{ surface: 'test.ad' }],
    });
    expect(rig.event('accept', { decisionId: ad.id }).outcome).toBe('applied');
    expect(experiencesOf(rig.pass(HOUR))).toMatchObject([{ decisionId: ad.id, status: 'complete', reward: 1 }]);
  });

  it('withdrawn late, before a grant that came first, takes nothing away', () => {
    const rig = new UserRig().consent();
    const { id } = rig.decide();
    rig.event('trip.completed', place);
    rig.event('driver.online', place);
    const { consent: _before, consentSequence: _first, ...kept } = rig.state;
    const late = rig.event('consent.withdrawn', {}, { saidMs: rig.nowMs - HOUR });
    expect(late).toMatchObject({ outcome: 'applied', effects: [] });
    const { consent, consentSequence: _last, ...left } = rig.state;
    expect(left).toEqual(kept);
    expect(consent.othersMs).toBe(rig.nowMs - HOUR);
    rig.event('accept', { decisionId: id });
    expect(experiencesOf(rig.pass(HOUR))).toMatchObject([{ decisionId: id, status: 'complete', reward: 1 }]);
  });

  it('withdrawn keeps an offer’s hold, and nothing personal with it', () => {
    const rig = new UserRig().consent();
    rig.ledger = { campaigns: { c1: replica('c1') } };
    const { id } = rig.decide({ context: { mood: 'secret' }, candidates: [{ id: 'five', campaign: 'c1' }] });
    rig.pass(1);
    rig.event('consent.withdrawn', { purposes: ['personalization'] });
    expect(JSON.stringify(rig.state)).not.toContain('secret');
    expect(operationsOf([rig.event('accept', { decisionId: id })])).toMatchObject([{ op: 'confirm', campaign: 'c1' }]);
  });

  it.each(['consent', 'consent.revoked', 'consent.withdrawn.all', 'consent.grant'])('refuses the type %s', (type) => {
    const rig = new UserRig().consent();
    const before = rig.state;
    expect(rig.event(type)).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringContaining('CONSENT_TYPE_UNKNOWN'),
    });
    expect(rig.state).toBe(before);
  });

  it('refuses a grant that would be one purpose too many, and takes any withdrawal', () => {
    const rig = new UserRig();
    const purposes = Array.from({ length: PURPOSES_MAX }, (_, i) => `p${String(i).padStart(2, '0')}`);
    expect(rig.event('consent.granted', { purposes }).outcome).toBe('applied');
    expect(rig.event('consent.granted', { purposes: ['more'] })).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringContaining('CONSENT_PURPOSES_TOO_MANY'),
    });
    expect(rig.state.purposes).toEqual(purposes);
    rig.pass(1);
    expect(rig.event('consent.withdrawn', { purposes: ['more'] }).outcome).toBe('applied');
    expect(rig.state.purposes).toEqual(purposes);
    rig.event('consent.withdrawn', { purposes: ['p00'] });
    // An older grant of what was withdrawn without room for it counts no more.
    expect(rig.event('consent.granted', { purposes: ['more'] }, { saidMs: rig.nowMs - 1 }).outcome).not.toBe('applied');
    expect(rig.state.purposes).toEqual(purposes.slice(1));
  });
});

describe('a table of consent that is full', () => {
  const names = Array.from({ length: PURPOSES_MAX }, (_, i) => `p${String(i).padStart(2, '0')}`);

  /** Each granted and withdrawn by name, a second apart; the rig is then a second later. */
  const withdrawnOneByOne = () => {
    const rig = new UserRig();
    const withdrawnAtMs = names.map((purpose) => {
      rig.event('consent.granted', { purposes: [purpose] });
      rig.nowMs += 1000;
      rig.event('consent.withdrawn', { purposes: [purpose] });
      return rig.nowMs;
    });
    rig.nowMs += 1000;
    return { rig, withdrawnAtMs };
  };

  it('of withdrawals takes a grant of another purpose, and loses none of them', () => {
    const { rig, withdrawnAtMs } = withdrawnOneByOne();
    expect(rig.event('consent.granted').outcome).toBe('applied');
    expect(rig.state.purposes).toEqual(['personalization']);
    expect(rig.state.consent.entries).toHaveLength(PURPOSES_MAX);
    names.forEach((purpose, i) => {
      rig.event('consent.granted', { purposes: [purpose] }, { saidMs: withdrawnAtMs[i]! });
      expect(rig.state.purposes).toEqual(['personalization']);
    });
  });

  it('of withdrawals can be granted all anew, many at once', () => {
    const { rig } = withdrawnOneByOne();
    const others = names.map((name) => `new-${name}`);
    expect(rig.event('consent.granted', { purposes: others }).outcome).toBe('applied');
    expect(rig.state.purposes).toEqual(others);
    expect(rig.event('consent.granted', { purposes: ['more'] }).outcome).toBe('rejected');
    expect(rig.state.purposes).toEqual(others);
  });

  it('loses no withdrawal, and no grant later than all of them, in whatever order they come', () => {
    const purpose = fc.integer({ min: 0, max: 39 }).map((i) => `q${i}`);
    const said = fc.record({ purpose, minute: fc.integer({ min: 1, max: 40 }), isGrant: fc.boolean() });
    fc.assert(
      fc.property(fc.array(said, { minLength: 60, maxLength: 120 }), (records) => {
        let table = EMPTY_CONSENT;
        const granted = new Map<string, number>();
        const withdrawn = new Map<string, number>();
        for (const { purpose: name, minute, isGrant } of records) {
          const after = isGrant ? withGrant(table, [name], minute) : withWithdrawal(table, [name], minute);
          if (after === undefined) continue;
          table = after;
          const times = isGrant ? granted : withdrawn;
          times.set(name, Math.max(times.get(name) ?? 0, minute));
          const lost = [...withdrawn].some(([one, atMs]) => isGranted(table, one) && (granted.get(one) ?? 0) <= atMs);
          if (lost || table.entries.length > PURPOSES_MAX) return false;
        }
        const last = withGrant(table, ['last'], 41);
        return last === undefined ? grantedPurposes(table).length === PURPOSES_MAX : isGranted(last, 'last');
      }),
      { numRuns: 40, seed: 32 },
    );
  });
});

describe('the order of consent', () => {
  const nowIn = (rig: UserRig, ms: number): number => rig.nowMs + ms;

  it('is that of the senders’ times: an older grant undoes no withdrawal', () => {
    const rig = new UserRig();
    rig.event('consent.withdrawn', {}, { saidMs: nowIn(rig, 0) });
    const grant = rig.event('consent.granted', {}, { saidMs: nowIn(rig, -HOUR) });
    expect(grant).toMatchObject({ outcome: 'ignored', reason: 'consent-withdrawn-since' });
    expect(rig.state).toMatchObject({ mode: { consent: 'withdrawn' }, purposes: [] });
  });

  it('knows the same grant again whatever came between', () => {
    const rig = new UserRig();
    const saidMs = rig.nowMs;
    rig.event('consent.granted', {}, { saidMs });
    rig.pass(HOUR);
    rig.event('consent.withdrawn');
    for (let i = 0; i < 200; i++) rig.event('click');
    rig.event('consent.granted', {}, { saidMs });
    expect(rig.state.purposes).toEqual([]);
  });

  it('covers with “all” purposes that were not heard of yet', () => {
    const rig = new UserRig();
    rig.event('consent.withdrawn', {}, { saidMs: nowIn(rig, -HOUR) });
    rig.event('consent.granted', { purposes: ['new'] }, { saidMs: nowIn(rig, -2 * HOUR) });
    expect(rig.state.purposes).toEqual([]);
    rig.event('consent.granted', { purposes: ['new'] }, { saidMs: nowIn(rig, -HOUR + 1) });
    expect(rig.state.purposes).toEqual(['new']);
  });

  it('never loses a withdrawal to a slow clock, but may lose a grant to it, and says so', () => {
    const rig = new UserRig();
    rig.event('consent.granted', {}, { saidMs: nowIn(rig, 0) });
    rig.pass(1000);
    rig.event('consent.withdrawn', {}, { saidMs: nowIn(rig, -CONSENT_SKEW_MS) });
    expect(rig.state.purposes).toEqual([]);
    rig.pass(1000);
    const grant = rig.event('consent.granted', {}, { saidMs: nowIn(rig, -CONSENT_SKEW_MS) });
    expect(grant).toMatchObject({ outcome: 'ignored', reason: 'consent-withdrawn-since' });
    rig.event('consent.granted');
    expect(rig.state.purposes).toEqual(['personalization']);
  });

  it('counts a grant from the future from its fold, and a withdrawal too', () => {
    const rig = new UserRig();
    rig.event('consent.granted', {}, { saidMs: nowIn(rig, 999 * HOUR) });
    rig.pass(1);
    rig.event('consent.withdrawn');
    expect(rig.state.purposes).toEqual([]);
    rig.event('consent.withdrawn', {}, { saidMs: nowIn(rig, 999 * HOUR) });
    rig.pass(1);
    rig.event('consent.granted');
    expect(rig.state.purposes).toEqual(['personalization']);
  });

  it('refuses a grant older than pastMaxMs, and takes a withdrawal of any age at its time', () => {
    const rig = new UserRig();
    const { pastMaxMs } = rig.settings.events;
    expect(rig.event('consent.granted', {}, { saidMs: nowIn(rig, -pastMaxMs - 1) })).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringContaining('EVENT_TOO_OLD'),
    });
    rig.event('consent.withdrawn', {}, { saidMs: nowIn(rig, -2 * pastMaxMs) });
    expect(rig.state.consent.othersMs).toBe(nowIn(rig, -2 * pastMaxMs));
    rig.event('consent.granted', {}, { saidMs: nowIn(rig, -pastMaxMs) });
    expect(rig.state.purposes).toEqual(['personalization']);
  });

  it('takes what is driven again for what it was when it was first folded', () => {
    const rig = new UserRig();
    const firstFoldedMs = rig.nowMs;
    rig.pass(HOUR);
    rig.event('consent.granted');
    rig.event('consent.withdrawn', {}, { firstFoldedMs });
    expect(rig.state.purposes).toEqual(['personalization']);
    expect(rig.event('consent.granted', {}, { firstFoldedMs }).outcome).toBe('ignored');
  });

  it('makes all permutations and repeats of six records one state', () => {
    const MINUTE = 60_000;
    const names = fc.option(fc.subarray(['a', 'b', 'personalization'], { minLength: 1 }), { nil: undefined });
    const record = fc.record({
      type: fc.constantFrom('consent.granted', 'consent.withdrawn'),
      purposes: names,
      // Around the fold's time, around S before it, and long before.
      saidMs: fc.option(
        fc.constantFrom(0, 1, -1, -4, -5, -6, -60, 3).map((minutes) => minutes * MINUTE),
        { nil: undefined },
      ),
      firstFoldedMs: fc.constantFrom(0, 1, 2, 5, 6).map((minutes) => minutes * MINUTE),
    });
    const six = fc.array(record, { minLength: 6, maxLength: 6 });
    const shuffled = six.chain((records) =>
      fc.tuple(fc.constant(records), fc.shuffledSubarray([...records, ...records], { minLength: 12, maxLength: 12 })),
    );
    const stateAfter = (
      records: readonly {
        type: string;
        purposes: string[] | undefined;
        saidMs: number | undefined;
        firstFoldedMs: number;
      }[],
    ) => {
      const rig = new UserRig();
      const start = rig.nowMs;
      rig.nowMs += HOUR;
      for (const { type, purposes, saidMs, firstFoldedMs } of records) {
        const firstMs = start + firstFoldedMs;
        rig.event(type, purposes === undefined ? {} : { purposes }, {
          ...(saidMs === undefined ? {} : { saidMs: firstMs + saidMs }),
          firstFoldedMs: firstMs,
        });
      }
      const { consentSequence: _, mode, ...state } = rig.state;
      return { ...state, granted: mode.consent === 'granted' };
    };
    fc.assert(
      fc.property(shuffled, ([records, again]) => {
        expect(stateAfter(again)).toEqual(stateAfter(records));
      }),
      { numRuns: 500, seed: 19 },
    );
  });
});
