/**
 * A time stamp as RFC 3339 has it (section 5.6): `T` and `Z` in either case, any number of digits behind the second, an
 * offset, and a leap second. Formats only: it reads no clock.
 */
const TIMESTAMP =
  /^(\d{4})-(\d{2})-(\d{2})[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The minute of the day, in UTC, whose end may have one second more. */
const LEAP_MINUTE_MS = DAY_MS - MINUTE_MS;

/**
 * Milliseconds since the epoch; undefined for anything else than a time stamp. A leap second counts as the second after it,
 * as on all clocks that know none.
 */
export function parseRfc3339(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  const offsetMs = (sign === '-' ? -1 : 1) * (Number(offsetHours) * 60 + Number(offsetMinutes)) * MINUTE_MS;
  const minuteMs = date.getTime() + (Number(hour) * 60 + Number(minute)) * MINUTE_MS - offsetMs;
  if (second === '60') {
    const ofDay = ((minuteMs % DAY_MS) + DAY_MS) % DAY_MS;
    return ofDay === LEAP_MINUTE_MS ? minuteMs + MINUTE_MS : undefined;
  }
  return minuteMs + Number(second) * 1000 + Number(`${fraction}000`.slice(0, 3));
}
