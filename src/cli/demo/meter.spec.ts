import { describe, expect, it } from '@jest/globals';
import { Meter, quantiles } from './meter.js';

const decided = (surface: string, served: number, baseline: number, latencyMs = 1) => ({
  surface,
  latencyMs,
  personalized: true,
  isFallback: false,
  isDegraded: false,
  realised: 1,
  expected: { served, baseline, best: 1 },
});

describe('Meter', () => {
  it('compares what was served with the baseline: at first, of late, and overall', () => {
    const meter = new Meter(1_000);
    meter.decided(decided('s', 0.2, 0.4), 1_500);
    meter.decided(decided('s', 0.6, 0.4), 1_000 + 120_000);
    const [rewards] = meter.read(1_000 + 120_500).rewards;
    expect(rewards!.opening).toMatchObject({ decisions: 1, lift: -0.5 });
    expect(rewards!.recent).toMatchObject({ decisions: 1, served: 0.6, baseline: 0.4, best: 1, realised: 1 });
    expect(rewards!.recent.lift).toBeCloseTo(0.5, 12);
    expect(rewards!.whole.decisions).toBe(2);
    expect(rewards!.whole.lift).toBeCloseTo(0, 12);
    expect(rewards!.curve.filter((lift) => lift !== undefined)).toHaveLength(1);
    expect(rewards!.curve[0]).toBe(-0.5);
  });

  it('counts decisions without a choice, but not their reward', () => {
    const meter = new Meter(0);
    meter.decided({ ...decided('s', 0, 0), expected: undefined, isFallback: true, personalized: false }, 100);
    meter.decided(decided('s', 0.5, 0.5), 100);
    const reading = meter.read(2_000);
    expect(reading).toMatchObject({
      decisions: 2,
      fallbacks: 0.5,
      personalized: 0.5,
      degraded: 0,
      decisionsPerSecond: 1,
    });
    expect(reading.rewards[0]!.whole.decisions).toBe(1);
  });

  it('counts failures by code', () => {
    const meter = new Meter(0);
    meter.failed('A');
    meter.failed('B');
    meter.failed('A');
    meter.eventsSent(5, 2);
    expect(meter.read(1_000)).toMatchObject({
      failures: 3,
      failuresByCode: { A: 2, B: 1 },
      eventsAccepted: 5,
      eventsRejected: 2,
      latencyMs: { p50: 0, p95: 0, p99: 0 },
    });
  });

  it('forgets latencies that are long past', () => {
    const meter = new Meter(0);
    meter.decided(decided('s', 0, 0, 900), 500);
    for (let second = 1; second < 30; second++) meter.decided(decided('s', 0, 0, 5), second * 1_000);
    expect(meter.read(29_500).latencyMs).toEqual({ p50: 5, p95: 5, p99: 5 });
  });
});

describe('quantiles', () => {
  it('takes the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantiles(hundred)).toEqual({ p50: 50, p95: 95, p99: 99 });
    expect(quantiles([7])).toEqual({ p50: 7, p95: 7, p99: 7 });
  });
});
