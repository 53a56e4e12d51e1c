import { describe, expect, it, jest } from '@jest/globals';
import { simulate } from '../../src/actors/simulated/simulation.js';
import { reportOf } from './support.js';

// Minutes of computing, on a busy machine several times that.
jest.setTimeout(30 * 60_000);

const SEEDS = 2_000;

describe('hosts under seeded faults', () => {
  it(`keep every promise in ${SEEDS} runs`, async () => {
    const report = await reportOf('--seeds', String(SEEDS));
    expect(report.failures.map(({ seed, violations }) => ({ seed, violations: violations.slice(0, 3) }))).toEqual([]);
    expect(report.seeds).toBe(SEEDS);
    // Runs in which nothing happens keep every promise too.
    expect(report.records).toBeGreaterThan(100 * SEEDS);
    expect(report.acknowledged).toBeGreaterThan(50 * SEEDS);
  });

  it.each([1, 4])('run the same way for the same seed: %i', async (seed) => {
    const first = await simulate({ seed });
    const second = await simulate({ seed, trace: true });
    expect(second.hash).toBe(first.hash);
    expect(second.lines.length).toBeGreaterThan(100);
    expect((await simulate({ seed: seed + 4 })).hash).not.toBe(first.hash);
  });
});
