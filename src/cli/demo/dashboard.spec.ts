import { describe, expect, it } from '@jest/globals';
import { curveText, dashboard, type DemoReading } from './dashboard.js';

describe('curveText', () => {
  it('scales between the lowest and the highest point, and leaves holes open', () => {
    expect(curveText([-0.5, undefined, 0, 0.5])).toBe('▁ ▅█ -50 % to +50 %');
    expect(curveText([0.1, 0.1])).toBe('▁▁ +10 % to +10 %');
    expect(curveText([undefined])).toBe('');
  });
});

describe('dashboard', () => {
  const means = { served: 0.501, baseline: 0.107, best: 0.649, lift: 3.7 };
  const rewards = ['rider.pickup', 'promo.discount', 'driver.heatmap'].map((surface) => ({
    surface,
    recent: means,
    whole: means,
    opening: means,
    curve: Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? -0.99 : 2.345)),
  }));
  const campaign = (id: string) => ({ id, status: 'live', spentCents: 1_999_900, budgetCents: 3_000_000 });
  const learner = { mode: 'publishing', version: 1234, learned: 1_234_567, regretProxy: -0.123 };
  const reading = {
    url: 'http://127.0.0.1:18080',
    nats: 'nats://127.0.0.1:44444',
    seconds: 86_399,
    cityHour: 23,
    decisions: 12_960_000,
    decisionsPerSecond: 150,
    failures: 0,
    failuresByCode: {},
    eventsAccepted: 20_000_000,
    eventsRejected: 0,
    latencyMs: { p50: 123.4, p95: 1234.5, p99: 1234.5 },
    personalized: 0.918,
    fallbacks: 0,
    degraded: 0,
    remembered: 0,
    rewards,
    campaigns: ['welcome', 'commute', 'nights-out'].map(campaign),
    zones: { undersupplied: 19, balanced: 100, oversupplied: 7 },
    learners: ['pickup-thompson', 'discount-q'].map((policy) => ({ ...learner, policy })),
  } as unknown as DemoReading;

  it('fits the usual terminal after a day', () => {
    const lines = dashboard(reading).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeLessThan(24);
  });

  it('does not speak of a curve before there is one', () => {
    const opening = { ...reading, rewards: reading.rewards.map((one) => ({ ...one, curve: [] })) };
    expect(dashboard(opening)).toContain('rider.pickup   its curve begins soon\n');
    expect(dashboard(opening)).not.toContain('over it');
  });
});
