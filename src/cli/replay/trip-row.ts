/** One row of a trips file: checked by hand, for a file has many. */
import { invalidRequest } from '../../kernel/errors.js';

export interface Trip {
  /** Row of the file; 1 is the first one after the header. */
  readonly row: number;
  /** The file's local time, read as if it were UTC: milliseconds since the epoch. */
  readonly timeMs: number;
  readonly lat: number;
  readonly lng: number;
}

export interface BadRow {
  readonly row: number;
  readonly code: 'TRIP_COLUMNS' | 'TRIP_TIME_INVALID' | 'TRIP_COORDINATES_INVALID';
  readonly reason: string;
}

/** Where the columns stand, and how many there are. */
export interface ColumnPlaces {
  readonly time: number;
  readonly lat: number;
  readonly lng: number;
  readonly count: number;
}

/** Longest piece of a bad value that is repeated to the reader. */
const SHOWN_CHARS_MAX = 40;

/** Throws InvalidRequest `TRIPS_HEADER` where a column is missing. Further columns are ignored. */
export function columnPlaces(header: readonly string[], name: string): ColumnPlaces {
  const place = (column: string): number => {
    const at = header.findIndex((text) => text.toLowerCase() === column.toLowerCase());
    if (at >= 0) return at;
    throw invalidRequest(
      'TRIPS_HEADER',
      `${name} has no column ${column}: its first line must name its columns.`,
      'trips',
    );
  };
  return { time: place('Date/Time'), lat: place('Lat'), lng: place('Lon'), count: header.length };
}

export function readTripRow(record: readonly string[], row: number, columns: ColumnPlaces): Trip | BadRow {
  if (record.length !== columns.count) {
    return { row, code: 'TRIP_COLUMNS', reason: `has ${record.length} columns instead of ${columns.count}` };
  }
  const timeMs = readLocalTime(record[columns.time]!);
  if (timeMs === undefined) {
    return { row, code: 'TRIP_TIME_INVALID', reason: `Date/Time is ${shown(record[columns.time]!)}` };
  }
  const lat = readDegrees(record[columns.lat]!, 90);
  const lng = readDegrees(record[columns.lng]!, 180);
  if (lat === undefined || lng === undefined) {
    const [column, text] = lat === undefined ? ['Lat', record[columns.lat]!] : ['Lon', record[columns.lng]!];
    return { row, code: 'TRIP_COORDINATES_INVALID', reason: `${column} is ${shown(text)}` };
  }
  return { row, timeMs, lat, lng };
}

/** A year outside is a slip of the pen or a filler: no platform has trips of then. */
const YEARS = { first: 1970, last: 2100 } as const;
const LOCAL_TIME = /^(\d{1,4})\/(\d{1,2})\/(\d{1,4}) (\d{1,2}):(\d{2})(?::(\d{2}))?$/;

/** `YYYY/M/D H:MM[:SS]` or `M/D/YYYY H:MM[:SS]`, as if it were UTC; undefined for a time that is none. */
export function readLocalTime(text: string): number | undefined {
  const match = LOCAL_TIME.exec(text);
  if (!match) return undefined;
  const [a, b, c, hour, minute, second] = match.slice(1).map((digits) => Number(digits ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [year, month, day] = match[1]!.length === 4 ? [a, b, c] : match[3]!.length === 4 ? [c, a, b] : [NaN, NaN, NaN];
  // Also: Date.UTC takes the years 0 to 99 for those of the last century.
  if (!(year >= YEARS.first && year <= YEARS.last)) return undefined;
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second);
  if (!Number.isFinite(timeMs) || hour > 23 || minute > 59 || second > 59) return undefined;
  // Date.UTC makes March of a 31st of February.
  const date = new Date(timeMs);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? timeMs : undefined;
}

function readDegrees(text: string, max: number): number | undefined {
  const degrees = text === '' ? NaN : Number(text);
  return Math.abs(degrees) <= max ? degrees : undefined;
}

const shown = (text: string): string =>
  text === '' ? 'empty' : JSON.stringify(text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text);
