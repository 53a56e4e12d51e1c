import { describe, expect, it } from '@jest/globals';
import { UTC, type TimeZone } from '../../messages/settings.js';
import { hourIndexOf, hourOfWeek } from './hour-of-week.js';

const at = (iso: string): number => hourIndexOf(Date.parse(iso));

describe('hourOfWeek', () => {
  it('counts from Monday midnight', () => {
    expect(hourOfWeek(at('2014-04-07T00:00:00Z'), UTC)).toBe(0);
    expect(hourOfWeek(at('2014-04-06T23:00:00Z'), UTC)).toBe(167);
    expect(hourOfWeek(at('1969-12-29T00:00:00Z'), UTC)).toBe(0);
  });

  it('goes by the offset in force, the first one for what is earlier', () => {
    const zone: TimeZone = {
      name: 'made up',
      offsets: [
        [at('2014-01-01T00:00:00Z'), 330],
        [at('2014-03-09T07:00:00Z'), -240],
      ],
    };
    expect(hourOfWeek(at('2013-04-01T00:00:00Z'), zone)).toBe(5);
    expect(hourOfWeek(at('2014-03-09T06:00:00Z'), zone)).toBe(6 * 24 + 11);
    expect(hourOfWeek(at('2014-03-09T07:00:00Z'), zone)).toBe(6 * 24 + 3);
    expect(hourOfWeek(at('2014-04-07T04:00:00Z'), zone)).toBe(0);
  });
});
