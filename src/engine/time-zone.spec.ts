import { describe, expect, it } from '@jest/globals';
import { DateTime } from 'luxon';
import { HOUR_MS, hourIndexOf, hourOfWeek } from '../surfaces/sources/hour-of-week.js';
import { isTimeZone, timeZoneOf } from './time-zone.js';

const YEAR_MS = 366 * 24 * HOUR_MS;
const NOW = Date.UTC(2014, 6, 1);
const at = (iso: string): number => hourIndexOf(Date.parse(iso));

describe('timeZoneOf', () => {
  it.each(['America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'UTC'])(
    'agrees with luxon through all changes of the clocks in %s',
    (name) => {
      const zone = timeZoneOf(name, NOW, YEAR_MS / 2);
      for (let hour = hourIndexOf(NOW - YEAR_MS / 2); hour < hourIndexOf(NOW + YEAR_MS / 2); hour++) {
        const minutes = DateTime.fromMillis(hour * HOUR_MS, { zone: name }).offset;
        const local = DateTime.fromMillis((hour + Math.floor(minutes / 60)) * HOUR_MS, { zone: 'UTC' });
        if (hourOfWeek(hour, zone) !== (local.weekday - 1) * 24 + local.hour)
          throw new Error(`${local.toISO() ?? ''} is hour ${hourOfWeek(hour, zone)} of the week`);
      }
    },
  );

  it('is small enough to stand in every barrier', () => {
    expect(JSON.stringify(timeZoneOf('America/New_York', NOW, 7 * 86_400_000)).length).toBeLessThan(600);
    expect(timeZoneOf('UTC', NOW, 100 * YEAR_MS).offsets).toEqual([[0, 0]]);
  });

  it('takes the first offset for what is earlier', () => {
    const zone = timeZoneOf('America/New_York', NOW, 0);
    expect(hourOfWeek(at('2014-04-07T04:00:00Z'), zone)).toBe(0);
    expect(hourOfWeek(at('2010-04-05T04:00:00Z'), zone)).toBe(0);
  });
});

it('knows which zones there are', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Olympus', '', 'UTC+25'].map(isTimeZone)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
