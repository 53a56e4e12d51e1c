/** Reads a file of trips: CSV or gzipped CSV with the columns Date/Time, Lat and Lon, as published for New York. */
import { parse } from 'csv-parse';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { CSV_LINES } from '../csv-lines.js';
import { contentOf, inputError } from '../input-file.js';
import { columnPlaces, readTripRow, type BadRow, type ColumnPlaces, type Trip } from './trip-row.js';

/** A file is kept in memory: its rows are put in order of time, and counted again at the end. */
export const ROWS_MAX = 2_000_000;
/** Bad rows kept with their reason; further ones are only counted. */
export const BAD_ROWS_KEPT_MAX = 1000;
const RECORD_BYTES_MAX = 64 * 1024;

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
 * `TRIPS_TRUNCATED` (a gzip stream without its end), `TRIPS_MALFORMED`, `TRIPS_ENCODING`, `TRIPS_HEADER` or `TRIPS_TOO_MANY`.
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
    throw error instanceof EngineError ? error : tripsError(error as NodeJS.ErrnoException, name, rows);
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
    record_delimiter: CSV_LINES,
  });
  // Whoever iterates the parser gets the error too.
  return pipeline(await contentOf(path), parser, () => undefined);
}

function tripsError(error: NodeJS.ErrnoException, name: string, rows: number): EngineError {
  if (error.code?.startsWith('CSV_') === true) {
    const message = `${name} is damaged after ${rows} rows: ${error.message}`;
    return new EngineError('InvalidRequest', 'TRIPS_MALFORMED', message, { field: 'trips', cause: error });
  }
  const known = inputError('trips', error, ({ why, message }) =>
    why === 'truncated'
      ? `${name} ends in the middle of its gzip stream; ${rows} rows were read. Fetch it again.`
      : `${name} cannot be read after ${rows} rows: ${message}.`,
  );
  return EngineError.from(known);
}
