/** The replay as people run it, on an engine and servers of its own. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { removeState } from '../../src/embedded/embedded.js';
import type { ReplayReport } from '../../src/cli/replay/report.js';
import { runTool } from '../support/tool.js';
import { tripsCsv } from '../support/trips.js';

const MINUTES = 60_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-trips-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function trips(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('replay', () => {
  it(
    'counts every pickup once, zone by zone, and twice where it is replayed twice',
    async () => {
      const csv = `${tripsCsv(300, 6)}4/1/2014 3:00:00,91,-74,B02512\nnever,40.7,-74,B02512\n`;
      const path = await trips('small.csv.gz', gzipSync(csv));
      const stateDir = join(folder, 'state');
      const run = (...more: string[]) =>
        runTool('replay', ['--trips', path, '--state-dir', stateDir, '--k', '2,5', '--json', '--quiet', ...more]);
      try {
        const first = await run();
        expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
        const report = JSON.parse(first.stdout) as ReplayReport;
        expect(report.file).toMatchObject({ name: 'small.csv.gz', rows: 302, badRows: 2 });
        expect(report.file.bad.map(({ row, code }) => [row, code])).toEqual([
          [301, 'TRIP_COORDINATES_INVALID'],
          [302, 'TRIP_TIME_INVALID'],
        ]);
        expect(report.events).toMatchObject({ sent: 300, accepted: 300, rejected: 0 });
        expect(report.zones).toMatchObject({ countedBefore: 0, folded: 300, mismatches: [] });
        expect(report.guidance).toMatchObject({ surface: 'driver.heatmap', hoursScored: 5, asked: 5 });
        expect(report.guidance).toMatchObject({ degraded: {}, fallbacks: {} });
        for (const { served, byScore, popularity, best } of report.guidance.shares) {
          for (const share of [served, byScore, popularity]) {
            expect(share).toBeGreaterThan(0);
            expect(share).toBeLessThanOrEqual(best);
          }
          expect(best).toBeLessThanOrEqual(1);
        }

        const second = JSON.parse((await run('--speed', '999999x')).stdout) as ReplayReport;
        expect(second.zones).toMatchObject({ countedBefore: 300, folded: 300, mismatches: [] });
      } finally {
        await removeState(stateDir);
      }
    },
    4 * MINUTES,
  );

  it(
    'says what is wrong with its input, before it starts anything',
    async () => {
      const cut = gzipSync(tripsCsv(3_000, 6));
      const path = await trips('cut.csv.gz', cut.subarray(0, cut.length - 100));
      const truncated = await runTool('replay', ['--trips', path]);
      expect(truncated.code).toBe(2);
      expect(truncated.stderr).toMatch(/^replay: TRIPS_TRUNCATED: cut\.csv\.gz ends .*rows were read/);
      expect(truncated.stderr).not.toMatch(/^ {4}at /m);
      const none = await runTool('replay', ['--trips', join(folder, 'none.csv')]);
      expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('TRIPS_UNREADABLE')]);
      const wrong = await runTool('replay', ['--trips', path, '--speed', 'fast']);
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('60x')]);
      expect((await runTool('replay', [])).code).toBe(2);
      const help = await runTool('replay', ['--help']);
      expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('Exit codes')]);
    },
    2 * MINUTES,
  );

  it(
    'says that an engine is out of reach, with its own exit code',
    async () => {
      const path = await trips('two.csv', tripsCsv(2, 1));
      const { code, stderr } = await runTool('replay', ['--trips', path, '--url', 'http://127.0.0.1:1']);
      expect([code, stderr]).toEqual([3, expect.stringContaining('API_UNREACHABLE')]);
    },
    2 * MINUTES,
  );

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends on the first %s, though the engine that it asks never answers',
    async (signal) => {
      const path = await trips('three.csv', tripsCsv(3, 1));
      let asked = (): void => undefined;
      const request = new Promise<void>((resolve) => (asked = resolve));
      const mute = createServer(() => asked());
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = mute.address() as AddressInfo;
        const { code } = await runTool(
          'replay',
          ['--trips', path, '--url', `http://127.0.0.1:${port}`],
          async (pid) => {
            await request;
            process.kill(pid, signal);
            // The answer never comes: what ends the tool is the signal, or nothing.
          },
        );
        expect(code).toBe(130);
      } finally {
        mute.closeAllConnections();
        mute.close();
      }
    },
    2 * MINUTES,
  );

  it.each(['pipe', 'device', 'socket', 'noise.gz'])(
    'refuses a %s',
    async (what) => {
      const path = join(folder, what);
      let listening: Server | undefined;
      if (what === 'pipe') execFileSync('mkfifo', [path]);
      if (what === 'socket') await new Promise<void>((done) => (listening = createServer().listen(path, done)));
      if (what === 'noise.gz')
        await writeFile(path, Buffer.concat([gzipSync('x').subarray(0, 12), Buffer.alloc(99, 7)]));
      const { code, stderr } = await runTool('replay', ['--trips', what === 'device' ? '/dev/zero' : path]);
      listening?.close();
      const expected = what === 'noise.gz' ? 'TRIPS_MALFORMED' : 'TRIPS_UNREADABLE';
      expect([code, stderr]).toEqual([2, expect.stringContaining(expected)]);
    },
    2 * MINUTES,
  );

  it(
    'stops everything and removes its folder when it is interrupted',
    async () => {
      const path = await trips('long.csv', tripsCsv(300, 6));
      const before = await replayFolders();
      const { code } = await runTool('replay', ['--trips', path, '--speed', '60x'], async (pid, stderr) => {
        // Postgres is said to be prepared while both servers are starting.
        while (!stderr().includes('preparing')) await new Promise((resolve) => setTimeout(resolve, 50));
        process.kill(pid, 'SIGINT');
      });
      expect(code).toBe(130);
      expect(await replayFolders()).toEqual(before);
    },
    2 * MINUTES,
  );
});

const replayFolders = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('attune-replay-')).sort();
