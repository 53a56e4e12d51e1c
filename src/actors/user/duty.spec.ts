import { describe, expect, it } from '@jest/globals';
import { latLngToCell } from 'h3-js';
import { UserRig } from '../../../test/support/user-actor.js';
import type { Folded } from '../host/actor-kind.js';

const MINUTE = 60_000;
const here = { lat: 40.75, lng: -73.98 };
const there = { lat: 41.5, lng: -73.98 };
const cellOf = ({ lat, lng }: typeof here): string => latLngToCell(lat, lng, 8);

/** What zones are told: `+ here`, `- there`. */
const told = (...folded: Folded<unknown>[]): string[] =>
  folded.flatMap(({ effects }) =>
    effects.flatMap((effect) => {
      if (effect.to !== 'actor' || effect.name !== 'supply') return [];
      const { by } = effect.body as { by: number };
      expect(effect.body).toEqual({ by });
      return [`${by === 1 ? '+' : '-'} ${effect.address.token === cellOf(here) ? 'here' : 'there'}`];
    }),
  );

describe('a driver on duty', () => {
  it('counts in one zone at a time, and each change is told once', () => {
    const rig = new UserRig().consent();
    expect(told(rig.event('driver.online', here))).toEqual(['+ here']);
    expect(told(rig.event('driver.online', here))).toEqual([]);
    expect(told(rig.event('driver.moved', here))).toEqual([]);
    expect(told(rig.event('driver.moved', there))).toEqual(['- here', '+ there']);
    expect(told(rig.event('driver.moved'))).toEqual([]);
    expect(told(rig.event('driver.offline', here))).toEqual(['- there']);
    expect(told(rig.event('driver.offline', here))).toEqual([]);
    expect(told(rig.event('driver.moved', here))).toEqual([]);
  });

  it('is none without consent to what it is kept for', () => {
    const rig = new UserRig();
    expect(told(rig.event('driver.online', here), rig.event('driver.offline', here))).toEqual([]);
    rig.event('consent.granted', { purposes: ['marketing'] });
    expect(told(rig.event('driver.online', here))).toEqual([]);
  });

  it('goes with the consent, once', () => {
    const rig = new UserRig().consent();
    rig.event('driver.online', here);
    expect(told(rig.event('consent.withdrawn', { purposes: ['personalization'] }))).toEqual(['- here']);
    expect(told(rig.event('consent.withdrawn'), rig.event('driver.offline', here))).toEqual([]);
    expect(told(...rig.pass(24 * 60 * MINUTE))).toEqual([]);
  });

  it('goes when nothing is heard of her for long enough, and not before', () => {
    const rig = new UserRig().consent();
    const { dutyTimeoutMs } = rig.settings.user;
    rig.event('driver.online', here);
    expect(told(...rig.pass(dutyTimeoutMs - MINUTE))).toEqual([]);
    rig.event('driver.moved', here);
    expect(told(...rig.pass(dutyTimeoutMs - 1))).toEqual([]);
    expect(told(...rig.pass(1))).toEqual(['- here']);
    expect(told(rig.event('driver.offline', here), ...rig.pass(dutyTimeoutMs))).toEqual([]);
    expect(rig.kind.timer(rig.state)).toBe(0);
  });

  it('is what was said last by the sender’s time, in whatever order it comes', () => {
    const rig = new UserRig().consent();
    const at = (minutes: number) => ({ saidMs: rig.nowMs + minutes * MINUTE });
    rig.event('driver.online', here, at(-10));
    expect(told(rig.event('driver.offline', here, at(-2)))).toEqual(['- here']);
    expect(told(rig.event('driver.moved', there, at(-5)))).toEqual([]);
    expect(told(rig.event('driver.online', there, at(-3)))).toEqual([]);
    expect(told(rig.event('driver.online', there, at(-1)))).toEqual(['+ there']);
    expect(told(rig.event('driver.offline', here, at(-2)))).toEqual([]);
    expect(rig.state.dutyZone).toBe(cellOf(there));
  });

  it('is not begun by what was said before a withdrawal, or at its time', () => {
    const rig = new UserRig().consent();
    rig.event('driver.online', here);
    rig.pass(MINUTE);
    const withdrawnMs = rig.nowMs;
    rig.event('consent.withdrawn');
    rig.pass(MINUTE);
    rig.event('consent.granted');
    for (const saidMs of [withdrawnMs - MINUTE / 2, withdrawnMs])
      expect(told(rig.event('driver.online', there, { saidMs }))).toEqual([]);
    expect(told(rig.event('driver.online', there, { saidMs: withdrawnMs + 1 }))).toEqual(['+ there']);
  });

  it('ends by a late withdrawal that covers all that was said of it, though a newer grant holds', () => {
    const rig = new UserRig().consent();
    rig.event('driver.online', here);
    const saidMs = rig.nowMs;
    rig.pass(20 * MINUTE);
    rig.event('consent.granted');
    expect(told(rig.event('consent.withdrawn', {}, { saidMs }))).toEqual(['- here']);
    rig.event('driver.online', there);
    expect(told(rig.event('consent.withdrawn', {}, { saidMs: saidMs + MINUTE }))).toEqual([]);
  });

  it('ends where leaving and coming say the same time, in either order', () => {
    for (const order of [
      ['driver.online', 'driver.offline'],
      ['driver.offline', 'driver.online'],
    ] as const) {
      const rig = new UserRig().consent();
      for (const type of order) rig.event(type, here);
      expect(rig.state).toMatchObject({ dutyZone: '', dutyCheckMs: 0 });
      rig.nowMs += 1;
      expect(told(rig.event('driver.online', here))).toEqual(['+ here']);
    }
  });

  it('counts from the first place that is known', () => {
    const rig = new UserRig().consent();
    expect(told(rig.event('driver.online'), rig.event('driver.moved'))).toEqual([]);
    expect(told(rig.event('driver.moved', here))).toEqual(['+ here']);
    expect(told(rig.event('driver.online'), rig.event('driver.moved', here))).toEqual([]);
    expect(told(rig.event('driver.offline'))).toEqual(['- here']);
  });

  it('ends without a word where no place was ever known', () => {
    const rig = new UserRig().consent();
    rig.event('driver.online');
    expect(told(rig.event('driver.offline'), rig.event('driver.moved', here))).toEqual([]);
    rig.nowMs += 1;
    rig.event('driver.online');
    expect(told(...rig.pass(rig.settings.user.dutyTimeoutMs))).toEqual([]);
    expect(told(rig.event('driver.moved', here))).toEqual([]);
    rig.event('driver.online');
    expect(told(rig.event('consent.withdrawn'))).toEqual([]);
    expect(rig.kind.timer(rig.state)).toBe(0);
  });

  it('is not held up by a clock that runs ahead', () => {
    const rig = new UserRig().consent();
    rig.event('driver.online', here, { saidMs: rig.nowMs + 4 * MINUTE });
    rig.nowMs += MINUTE;
    expect(told(rig.event('driver.offline', here))).toEqual(['- here']);
  });

  it('who was heard of long ago only is looked after at once', () => {
    const rig = new UserRig().consent();
    const { dutyTimeoutMs } = rig.settings.user;
    expect(told(rig.event('driver.online', here, { saidMs: rig.nowMs - dutyTimeoutMs }))).toEqual(['+ here']);
    expect(told(...rig.pass(0))).toEqual(['- here']);
  });
});
