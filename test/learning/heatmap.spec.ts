/** Does the heatmap's ranking know more than popularity? On a city with known truth, and on real pickups of New York. */
import { describe, expect, it } from '@jest/globals';
import { gridDisk, latLngToCell } from 'h3-js';
import { existsSync } from 'node:fs';
import { APRIL, readPickups, scoreHeatmap, type Pickup } from '../../bench/heatmap-offline.js';
import { seededRandom } from '../../src/kernel/random.js';
import { HOUR_MS } from '../../src/surfaces/sources/hour-of-week.js';

/** Four weeks in which everybody leaves from ten home zones in the morning and from ten work zones in the evening. */
function commuters(): Pickup[] {
  const random = seededRandom(7);
  const zones = gridDisk(latLngToCell(40.75, -73.98, 8), 3);
  const start = Date.UTC(2014, 3, 7, 4);
  const pickups: Pickup[] = [];
  for (let hour = 0; hour < 28 * 24; hour++) {
    const offset = hour % 24 < 12 ? 0 : 10;
    for (let i = 0; i < 20; i++) {
      const zone =
        random.next() < 0.8 ? offset + Math.floor(random.next() * 10) : Math.floor(random.next() * zones.length);
      pickups.push({ cell: zones[zone]!, timeMs: start + hour * HOUR_MS + Math.floor(random.next() * HOUR_MS) });
    }
  }
  return pickups.sort((a, b) => a.timeMs - b.timeMs);
}

describe('heatmap ranking', () => {
  it('finds the time of day in a city where it is all that matters', () => {
    const [ten] = scoreHeatmap(commuters(), [10]).shares;
    expect(ten!.popularity).toBeLessThan(0.6);
    expect(ten!.source).toBeGreaterThan(0.75);
  });

  // Real data are read where they lie, and are not part of this repository.
  const real = existsSync(APRIL) ? it : it.skip;
  real('beats popularity so far on a month of real pickups that it was not fitted on', () => {
    const { shares, pickups } = scoreHeatmap(readPickups(APRIL), [5, 10, 20]);
    expect(pickups).toBe(35_536);
    for (const { source, popularity, hindsight } of shares) {
      expect(source).toBeGreaterThan(popularity + 0.01);
      expect(hindsight).toBeGreaterThan(source);
    }
  });
});
