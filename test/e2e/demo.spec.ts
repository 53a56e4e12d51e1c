/** The demo as people run it: it comes up from nothing, ends by itself, and finds its data again. */
import { afterAll, expect, it } from '@jest/globals';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeState } from '../../src/embedded/embedded.js';
import type { DemoReading } from '../../src/cli/demo/dashboard.js';
import { runTool } from '../support/tool.js';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await removeState(folder);
});

it('runs, sums up, and goes on where it ended', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'attune-demo-'));
  folders.push(stateDir);
  const run = (): ReturnType<typeof runTool> =>
    runTool('demo', [
      '--seconds',
      '8',
      '--rate',
      '40',
      '--riders',
      '50',
      '--drivers',
      '10',
      '--json',
      '--state-dir',
      stateDir,
    ]);
  const first = await run();
  expect({ code: first.code, stderr: first.code === 0 ? '' : first.stderr }).toEqual({ code: 0, stderr: '' });
  const reading = JSON.parse(first.stdout) as DemoReading;
  expect(reading.remembered).toBe(0);
  expect(reading.decisions).toBeGreaterThan(0);
  expect(reading.failures).toBe(0);
  expect(reading.eventsRejected).toBe(0);
  expect(reading.campaigns.map(({ status }) => status)).toEqual(['live', 'live', 'live']);
  expect(reading.rewards.map(({ surface }) => surface).sort()).toEqual([
    'driver.heatmap',
    'promo.discount',
    'rider.pickup',
  ]);

  const second = await run();
  expect(second.stderr).toMatch(/continuing with [\d,]+ decisions/);
  const continued = JSON.parse(second.stdout) as DemoReading;
  // Of riders without consent nothing is remembered.
  expect(continued.remembered).toBeGreaterThan(0);
  expect(continued.remembered).toBeLessThanOrEqual(reading.decisions);
  const spent = ({ campaigns }: DemoReading): number => campaigns.reduce((sum, { spentCents }) => sum + spentCents, 0);
  expect(spent(continued)).toBeGreaterThanOrEqual(spent(reading));
});

it('answers --help, and refuses what makes no sense', async () => {
  const help = await runTool('demo', ['--help']);
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--seconds')]);
  expect((await runTool('demo', ['--rate', 'fast'])).code).toBe(2);
  expect((await runTool('demo', ['--unknown'])).code).toBe(2);
});
