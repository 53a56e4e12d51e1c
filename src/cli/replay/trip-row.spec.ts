import { describe, expect, it } from '@jest/globals';
import { columnPlaces, readLocalTime, readTripRow } from './trip-row.js';

describe('readLocalTime', () => {
  it.each([
    ['2014/4/1 00:11:00', '2014-04-01T00:11:00Z'],
    ['2014/12/31 23:59:59', '2014-12-31T23:59:59Z'],
    ['4/1/2014 0:11:00', '2014-04-01T00:11:00Z'],
    ['4/30/2014 9:05', '2014-04-30T09:05:00Z'],
    ['2/29/2016 0:00:00', '2016-02-29T00:00:00Z'],
  ])('reads %s', (text, iso) => {
    expect(readLocalTime(text)).toBe(Date.parse(iso));
  });

  it.each(['', 'soon', '2014-04-01 00:11:00', '4/31/2014 0:00:00', '2/29/2014 0:00:00', '13/1/2014 0:00:00'])(
    'refuses %p',
    (text) => {
      expect(readLocalTime(text)).toBeUndefined();
    },
  );

  it.each(['4/1/2014 24:00:00', '4/1/2014 0:60:00', '4/1/14 0:00:00', '0/1/2014 0:00:00', '4/1/2014 0:11:00 PM'])(
    'refuses %p',
    (text) => {
      expect(readLocalTime(text)).toBeUndefined();
    },
  );
});

describe('readTripRow', () => {
  const columns = columnPlaces(['Date/Time', 'Lat', 'Lon', 'Base'], 'trips.csv');
  const row = (...record: string[]) => readTripRow(record, 7, columns);

  it('reads a trip', () => {
    expect(row('4/1/2014 0:11:00', '40.769', '-73.9549', 'B02512')).toEqual({
      row: 7,
      timeMs: Date.UTC(2014, 3, 1, 0, 11),
      lat: 40.769,
      lng: -73.9549,
    });
  });

  it.each([
    [['4/1/2014 0:11:00', '40.7'], 'TRIP_COLUMNS', 'has 2 columns instead of 4'],
    [['never', '40.7', '-73.9', 'B'], 'TRIP_TIME_INVALID', 'Date/Time is "never"'],
    [['4/1/2014 0:11:00', '', '-73.9', 'B'], 'TRIP_COORDINATES_INVALID', 'Lat is empty'],
    [['4/1/2014 0:11:00', '90.01', '-73.9', 'B'], 'TRIP_COORDINATES_INVALID', 'Lat is "90.01"'],
    [['4/1/2014 0:11:00', '40.7', 'NaN', 'B'], 'TRIP_COORDINATES_INVALID', 'Lon is "NaN"'],
    [['4/1/2014 0:11:00', '40.7', 'Infinity', 'B'], 'TRIP_COORDINATES_INVALID', 'Lon is "Infinity"'],
    [['4/1/2014 0:11:00', '40.7', '-180.5', 'B'], 'TRIP_COORDINATES_INVALID', 'Lon is "-180.5"'],
  ])('lists %j', (record, code, reason) => {
    expect(row(...record)).toEqual({ row: 7, code, reason });
  });

  it('finds its columns wherever they stand, and says which is missing', () => {
    expect(columnPlaces(['lon', 'x', 'LAT', 'Date/Time'], 'f')).toEqual({ time: 3, lat: 2, lng: 0, count: 4 });
    expect(() => columnPlaces(['Date/Time', 'Lat'], 'f.csv')).toThrow(
      expect.objectContaining({ code: 'TRIPS_HEADER', message: expect.stringContaining('Lon') }),
    );
  });
});
