import { describe, expect, it } from '@jest/globals';
import { RateLimit } from './rate-limit.js';

function limited(perSecond: number, keysMax?: number) {
  const clock = { nowMs: 5000, monotonicMs: () => clock.nowMs };
  const limit = new RateLimit(perSecond, 'caller', clock, keysMax);
  /** Milliseconds to wait, or 0 where it was let through. */
  const take = (key = 'a', points = 1): number => {
    try {
      limit.take(key, points);
      return 0;
    } catch (error) {
      expect(error).toMatchObject({ family: 'Overloaded', code: 'RATE_LIMITED' });
      return (error as { retryAfterMs: number }).retryAfterMs;
    }
  };
  return { take, clock, limit };
}

describe('RateLimit', () => {
  it('lets so many through within a second, for each key, and says when to come again', () => {
    const { take, clock } = limited(2);
    expect([take(), take(), take(), take('b')]).toEqual([0, 0, 1000, 0]);
    clock.nowMs += 400;
    expect(take()).toBe(600);
    clock.nowMs += 600;
    expect([take(), take(), take()]).toEqual([0, 0, 1000]);
  });

  it('lets through what costs more than a second’s worth, and has it paid for', () => {
    const { take, clock } = limited(10);
    expect([take('a', 35), take()]).toEqual([0, 3000]);
    clock.nowMs += 2999;
    expect(take()).toBe(1);
    clock.nowMs += 1;
    expect([take('a', 5), take()]).toEqual([0, 1000]);
  });

  it('keeps nothing on the books for what it refused', () => {
    const { take, clock } = limited(1);
    take();
    for (let i = 0; i < 100; i++) take('a', 50);
    clock.nowMs += 1000;
    expect(take()).toBe(0);
  });

  it('remembers a bounded number of keys, the quiet ones least', () => {
    const { take, clock, limit } = limited(1, 100);
    for (let i = 0; i < 90; i++) take(`quiet-${i}`);
    clock.nowMs += 1000;
    take('busy', 5);
    for (let i = 0; i < 50; i++) take(`later-${i}`);
    expect((limit as unknown as { usage: Map<string, unknown> }).usage.size).toBeLessThanOrEqual(100);
    expect(take('busy')).toBe(5000);
    for (let i = 0; i < 10_000; i++) take(`flood-${i}`);
    expect((limit as unknown as { usage: Map<string, unknown> }).usage.size).toBeLessThanOrEqual(100);
  });
});
