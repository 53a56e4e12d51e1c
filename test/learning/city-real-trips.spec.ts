/** A real city: pickups of New York, read where they lie. They are not part of this repository. */
import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HitShares } from '../../src/cli/replay/hit-shares.js';
import type { ReplayReport } from '../../src/cli/replay/report.js';
import { timetableOf } from '../../src/cli/replay/timetable.js';
import { readTrips } from '../../src/cli/replay/trips-file.js';
import { runTool } from '../support/tool.js';

const DATA = process.env.ATTUNE_DATA_DIR ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
const APRIL = join(DATA, 'uber_nyc_2014_apr_jun', 'uber-b02512-apr14.csv.gz');
const present = existsSync(APRIL);
if (!present) process.stderr.write(`skipped: no trips in ${APRIL}; ATTUNE_DATA_DIR says where the data are\n`);
const real = present ? it : it.skip;

const REPLAYED_ROWS = 1_500;

describe('real trips', () => {
  real('are read and counted whole', async () => {
    const { rows, badCount, trips } = await readTrips(APRIL);
    expect([rows, badCount, trips.length]).toEqual([35_536, 0, 35_536]);
    const hours = timetableOf(trips, 8);
    expect(hours).toHaveLength(720);
    expect(new Set(hours.flatMap(({ byCell }) => [...byCell.keys()])).size).toBe(931);
    const shares = new HitShares([5, 10, 20]);
    for (const { byCell } of hours) {
      if (shares.scores(byCell)) shares.score({ served: [], byScore: [] }, byCell);
      shares.observe(byCell);
    }
    // Hindsight is far above popularity: there is something to be known about the next hour.
    for (const { popularity, best } of shares.shares()) expect(best).toBeGreaterThan(popularity * 1.3);
  });

  real(
    'come through the engine one by one, and are guided by it',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'attune-trips-'));
      try {
        const { trips } = await readTrips(APRIL);
        const path = join(folder, 'first-days.csv');
        const lines = trips.slice(0, REPLAYED_ROWS).map(({ timeMs, lat, lng }) => {
          const at = new Date(timeMs).toISOString();
          return `${at.slice(0, 4)}/${at.slice(5, 7)}/${at.slice(8, 10)} ${at.slice(11, 19)},${lat},${lng}`;
        });
        await writeFile(path, ['Date/Time,Lat,Lon', ...lines].join('\n'));
        const { code, stdout } = await runTool('replay', ['--trips', path, '--json', '--quiet']);
        const report = JSON.parse(stdout) as ReplayReport;
        expect({ code, ...report.zones }).toMatchObject({ code: 0, folded: REPLAYED_ROWS, mismatches: [] });
        expect(report.guidance.asked).toBe(report.guidance.hoursScored);
        for (const { served, best } of report.guidance.shares) {
          expect(served).toBeGreaterThan(0);
          expect(served).toBeLessThanOrEqual(best);
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    240_000,
  );
});
