import { describe, expect, it } from '@jest/globals';
import { DateTime } from 'luxon';
import { EngineError } from '../../kernel/errors.js';
import { HOUR_MS, hourIndexOf, hourOfWeek } from './hour-of-week.js';

const at = (iso: string): number => hourIndexOf(DateTime.fromISO(iso, { zone: 'UTC' }).toMillis());

describe('hourOfWeek', () => {
  it('counts from Monday midnight in the zone asked for', () => {
    expect(hourOfWeek(at('2014-04-07T00:00:00Z'), 'UTC')).toBe(0);
    expect(hourOfWeek(at('2014-04-06T23:00:00Z'), 'UTC')).toBe(167);
    expect(hourOfWeek(at('2014-04-07T04:00:00Z'), 'America/New_York')).toBe(0);
  });

  it('agrees with luxon through both changes of the clocks, and before the epoch', () => {
    for (const start of ['2014-03-08T00:00:00Z', '2014-11-01T00:00:00Z', '1969-06-01T00:00:00Z']) {
      for (let hour = at(start), end = hour + 72; hour < end; hour++) {
        const local = DateTime.fromMillis(hour * HOUR_MS, { zone: 'America/New_York' });
        expect(hourOfWeek(hour, 'America/New_York')).toBe((local.weekday - 1) * 24 + local.hour);
      }
    }
  });

  it('floors offsets of half an hour', () => {
    const hour = at('2014-04-07T00:00:00Z');
    expect(hourOfWeek(hour, 'Asia/Kolkata')).toBe(5);
  });

  it('refuses a zone that does not exist', () => {
    expect(() => hourOfWeek(0, 'Mars/Olympus')).toThrow(
      expect.objectContaining({ code: 'TIME_ZONE_UNKNOWN' }) as unknown as EngineError,
    );
  });
});
