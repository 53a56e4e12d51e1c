/** Trips files as they come from disk: whole, zipped, damaged. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readTrips } from '../../src/cli/replay/trips-file.js';
import { tripsCsv } from '../support/trips.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-trips-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('readTrips', () => {
  it('reads a file alike, zipped or not, whatever it is called', async () => {
    const csv = tripsCsv(300, 6);
    const plain = await readTrips(await file('plain.csv', csv));
    const zipped = await readTrips(await file('zipped.dat', gzipSync(csv)));
    expect(plain).toMatchObject({ name: 'plain.csv', rows: 300, badCount: 0, bad: [] });
    expect(plain.trips).toHaveLength(300);
    expect({ ...zipped, name: '' }).toEqual({ ...plain, name: '' });
  });

  it('puts trips in order of time, and keeps the number of their row', async () => {
    const csv = 'Date/Time,Lat,Lon\n4/1/2014 2:00,40,-74\n4/1/2014 1:00,41,-74\n4/1/2014 2:00,42,-74\n';
    const { trips } = await readTrips(await file('mixed.csv', csv));
    expect(trips.map(({ row }) => row)).toEqual([2, 1, 3]);
  });

  it('lists bad rows by number, code and reason, and reads on', async () => {
    const csv =
      '\uFEFF"Date/Time","Lat","Lon","Base"\r\n4/1/2014 0:11:00,40.7,-73.9,B\r\nx,40.7,-73.9,B\r\n\r\n4/1/2014 0:11:00,140,-73.9,B\r\n4/1/2014 0:11:00,40.7\r\n4/1/2014 0:12:00,40.7,-73.9,B';
    const { rows, trips, bad, badCount } = await readTrips(await file('bad.csv', csv));
    expect([rows, badCount]).toEqual([5, 3]);
    expect(trips.map(({ row }) => row)).toEqual([1, 5]);
    expect(bad.map(({ row, code }) => [row, code])).toEqual([
      [2, 'TRIP_TIME_INVALID'],
      [3, 'TRIP_COORDINATES_INVALID'],
      [4, 'TRIP_COLUMNS'],
    ]);
  });

  it.each([
    ['\r\n', '\n'],
    ['\n', '\r\n'],
    ['\r', '\n'],
  ])('reads rows whatever ends them: %j, then %j', async (first, between) => {
    const rows = ['4/1/2014 0:11:00,40.769,-73.9549,"B02512"', '4/1/2014 0:17:00,40.7267,-74.0345,"B02512"'];
    const path = await file('ends.csv', `"Date/Time","Lat","Lon","Base"${first}${rows.join(between)}${between}`);
    expect(await readTrips(path)).toMatchObject({ rows: 2, badCount: 0 });
  });

  it.each(['1/1/9999 0:11:00', '4/1/0014 0:11:00', '0014/4/1 0:11:00', '4/1/1969 0:11:00', '4/1/2101 0:11'])(
    'takes %s for no time',
    async (time) => {
      const path = await file('years.csv', `Date/Time,Lat,Lon\n4/1/2014 0:11:00,40.7,-73.9\n${time},40.7,-73.9\n`);
      expect(await readTrips(path)).toMatchObject({ rows: 2, bad: [{ row: 2, code: 'TRIP_TIME_INVALID' }] });
    },
  );

  it.each([
    ['TRIPS_ENCODING', (csv: string) => Buffer.from(`\uFEFF${csv}`, 'utf16le')],
    ['TRIPS_ENCODING', (csv: string) => gzipSync(Buffer.from(csv, 'utf16le'))],
  ])('refuses with %s what is not UTF-8', async (code, encoded) => {
    await expect(readTrips(await file('other', encoded(tripsCsv(10, 1))))).rejects.toMatchObject({ code });
  });

  it('asks for a file where it is given a folder', async () => {
    await expect(readTrips(folder)).rejects.toMatchObject({
      code: 'TRIPS_UNREADABLE',
      message: expect.stringContaining('no regular file') as unknown,
    });
  });

  it('names a truncated archive, and says how many rows it had', async () => {
    const whole = gzipSync(tripsCsv(5_000, 24));
    const path = await file('cut.csv.gz', whole.subarray(0, whole.length - 200));
    await expect(readTrips(path)).rejects.toMatchObject({
      code: 'TRIPS_TRUNCATED',
      message: expect.stringMatching(/^cut\.csv\.gz ends .* [1-9]\d* rows were read/),
    });
  });

  it('names a damaged archive', async () => {
    const damaged = gzipSync(tripsCsv(5_000, 24));
    damaged.fill(0xff, damaged.length / 2, damaged.length / 2 + 64);
    await expect(readTrips(await file('damaged.csv.gz', damaged))).rejects.toMatchObject({ code: 'TRIPS_MALFORMED' });
  });

  it('names a file that is not there, is empty, or has no such columns', async () => {
    await expect(readTrips(join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'TRIPS_UNREADABLE' });
    await expect(readTrips(folder)).rejects.toMatchObject({ code: 'TRIPS_UNREADABLE' });
    await expect(readTrips(await file('empty.csv', ''))).rejects.toMatchObject({ code: 'TRIPS_HEADER' });
    await expect(readTrips(await file('other.csv', 'a,b\n1,2\n'))).rejects.toMatchObject({ code: 'TRIPS_HEADER' });
  });
});
