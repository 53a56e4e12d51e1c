import { describe, expect, it } from '@jest/globals';
import { latLngToCell } from 'h3-js';
import { timetableOf } from './timetable.js';

const at = (iso: string, row: number, lat = 40.75) => ({ row, timeMs: Date.parse(iso), lat, lng: -73.98 });

describe('timetableOf', () => {
  it('has every hour from the first trip to the last, also those without one', () => {
    const hours = timetableOf(
      [at('2014-04-01T00:59:59Z', 2), at('2014-04-01T01:00:00Z', 1), at('2014-04-01T03:30:00Z', 3)],
      8,
    );
    expect(hours.map(({ startMs }) => new Date(startMs).toISOString())).toEqual([
      '2014-04-01T00:00:00.000Z',
      '2014-04-01T01:00:00.000Z',
      '2014-04-01T02:00:00.000Z',
      '2014-04-01T03:00:00.000Z',
    ]);
    expect(hours.map(({ pickups }) => pickups.map(({ row }) => row))).toEqual([[2], [1], [], [3]]);
  });

  it('refuses trips so far apart that no one meant it, and names the two rows', () => {
    expect(() => timetableOf([at('2014-04-01T00:00:00Z', 2), at('2050-01-01T00:00:00Z', 7)], 8)).toThrow(
      expect.objectContaining({ code: 'TRIPS_SPAN', message: expect.stringMatching(/row 2 .* row 7 /) as unknown }),
    );
  });

  it('counts by cell of the resolution asked for', () => {
    const [hour] = timetableOf(
      [at('2014-04-01T00:00:00Z', 1), at('2014-04-01T00:01:00Z', 2), at('2014-04-01T00:02:00Z', 3, 41)],
      7,
    );
    expect(hour!.byCell).toEqual(
      new Map([
        [latLngToCell(40.75, -73.98, 7), 2],
        [latLngToCell(41, -73.98, 7), 1],
      ]),
    );
  });

  it('is empty without trips', () => {
    expect(timetableOf([], 8)).toEqual([]);
  });
});
