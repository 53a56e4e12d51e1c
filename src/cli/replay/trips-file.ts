/** Reads a file of trips: CSV or gzipped CSV with the columns Date/Time, Lat and Lon, as published for New York. */
import { parse } from 'csv-parse';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { columnPlaces, readTripRow, type BadRow, type ColumnPlaces, type Trip } from './trip-row.js';

/** A file is kept in memory: its rows are put in order of time, and counted again at the end. */
export const ROWS_MAX = 2_000_000;
/** Bad rows kept with their reason; further ones are only counted. */
export const BAD_ROWS_KEPT_MAX = 1000;
const RECORD_BYTES_MAX = 64 * 1024;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

export interface TripsFile {
  /** Without its folder. */
  readonly name: string;
  /** Data rows read, good and bad. */
  readonly rows: number;
  /** In order of time; rows of the same time in the file's order. */
  readonly trips: readonly Trip[];
  /** The first BAD_ROWS_KEPT_MAX of `badCount`. */
  readonly bad: readonly BadRow[];
  readonly badCount: number;
}

/**
 * Rows with bad times or coordinates are listed and passed over. Rejects with InvalidRequest `TRIPS_UNREADABLE`,
 * `TRIPS_TRUNCATED` (a gzip stream without its end), `TRIPS_MALFORMED`, `TRIPS_HEADER` or `TRIPS_TOO_MANY`.
 */
export async function readTrips(path: string): Promise<TripsFile> {
  const name = basename(path);
  const trips: Trip[] = [];
  const bad: BadRow[] = [];
  let [rows, badCount] = [0, 0];
  let columns: ColumnPlaces | undefined;
  try {
    for await (const record of await recordsOf(path)) {
      if (columns === undefined) {
        columns = columnPlaces(record, name);
        continue;
      }
      if (++rows > ROWS_MAX) throw invalidRequest('TRIPS_TOO_MANY', `${name} has more than ${ROWS_MAX} rows.`, 'trips');
      const read = readTripRow(record, rows, columns);
      if (!('code' in read)) trips.push(read);
      else if (++badCount <= BAD_ROWS_KEPT_MAX) bad.push(read);
    }
  } catch (error) {
    throw error instanceof EngineError ? error : inputError(error as NodeJS.ErrnoException, name, rows);
  }
  if (columns === undefined) throw invalidRequest('TRIPS_HEADER', `${name} is empty.`, 'trips');
  trips.sort((a, b) => a.timeMs - b.timeMs || a.row - b.row);
  return { name, rows, trips, bad, badCount };
}

/** Records as lists of texts. Errors of the file, the archive and the parser all come out of the iteration. */
async function recordsOf(path: string): Promise<AsyncIterable<string[]>> {
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    relax_column_count: true,
    relax_quotes: true,
    trim: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const isArchive = await isGzip(path);
  const file = createReadStream(path);
  // Whoever iterates the parser gets the error too.
  const done = (): void => undefined;
  if (isArchive) pipeline(file, createGunzip(), parser, done);
  else pipeline(file, parser, done);
  return parser;
}

/** Told by its first bytes, not by its name. */
async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
    return bytesRead === GZIP_MAGIC.length && buffer.equals(GZIP_MAGIC);
  } finally {
    await handle.close();
  }
}

function inputError(error: NodeJS.ErrnoException, name: string, rows: number): EngineError {
  const detail = { field: 'trips', cause: error };
  const code = error.code ?? '';
  if (code === 'Z_BUF_ERROR') {
    const message = `${name} ends in the middle of its gzip stream; ${rows} rows were read. Fetch it again.`;
    return new EngineError('InvalidRequest', 'TRIPS_TRUNCATED', message, detail);
  }
  if (code.startsWith('Z_') || code.startsWith('CSV_')) {
    const message = `${name} is damaged after ${rows} rows: ${error.message}`;
    return new EngineError('InvalidRequest', 'TRIPS_MALFORMED', message, detail);
  }
  return new EngineError(
    'InvalidRequest',
    'TRIPS_UNREADABLE',
    `${name} cannot be read: ${code || error.message}.`,
    detail,
  );
}
