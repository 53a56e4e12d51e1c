/** Trips files for tests: small, seeded, in the published format. */
import { seededRandom } from '../../src/kernel/random.js';

const START_MS = Date.UTC(2014, 3, 1);

/** A CSV of `rows` trips spread over `hours`, around a few busy corners, in order of time. */
export function tripsCsv(rows: number, hours: number, seed = 1): string {
  const random = seededRandom(seed);
  const corners = Array.from({ length: 12 }, () => [40.7 + 0.1 * random.next(), -74 + 0.1 * random.next()] as const);
  const times = Array.from({ length: rows }, () => Math.floor(random.next() * hours * 60)).sort((a, b) => a - b);
  const lines = times.map((minute) => {
    const at = new Date(START_MS + minute * 60_000);
    // The busier the corner, the lower its number.
    const [lat, lng] = corners[Math.floor(random.next() ** 2 * corners.length)]!;
    const clock = `${at.getUTCHours()}:${String(at.getUTCMinutes()).padStart(2, '0')}:00`;
    return `${at.getUTCMonth() + 1}/${at.getUTCDate()}/${at.getUTCFullYear()} ${clock},${lat.toFixed(4)},${lng.toFixed(4)},B02512`;
  });
  return ['Date/Time,Lat,Lon,Base', ...lines, ''].join('\n');
}
