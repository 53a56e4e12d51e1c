import { describe, expect, it } from '@jest/globals';
import { dqnConfigSchema } from './config.js';
import { Guard } from './guard.js';

const config = (part: object = {}) =>
  dqnConfigSchema.parse({
    actions: ['a'],
    observation: { size: 1 },
    discount: 0.9,
    guard: { valueFactor: 2, patience: 2 },
    ...part,
  });
const sane = { loss: 1, gradientNorm: 1, valueMax: 1 };
const diverged = expect.objectContaining({ code: 'LEARNER_DIVERGED', family: 'Invariant' });

describe('the guard against divergence', () => {
  it.each(['loss', 'gradientNorm', 'valueMax'] as const)('refuses a %s that is not finite, at once', (field) => {
    for (const value of [Number.NaN, Infinity])
      expect(() => new Guard(config()).check({ ...sane, [field]: value })).toThrow(diverged);
  });

  it('lets values stay for some steps above what rewards could add up to, and no longer', () => {
    const guard = new Guard(config());
    guard.rewarded(-3);
    // 2 · 3 / (1 − 0.9) = 60.
    for (const valueMax of [59, 61, 61, 59, 61, 61]) guard.check({ ...sane, valueMax });
    expect(() => guard.check({ ...sane, valueMax: 61 })).toThrow(diverged);
  });

  it('counts on through saving and loading', () => {
    const guard = new Guard(config());
    guard.rewarded(3);
    guard.check({ ...sane, valueMax: 61 });
    guard.check({ ...sane, valueMax: 61 });
    const resumed = new Guard(config(), JSON.parse(JSON.stringify(guard.state())) as ReturnType<Guard['state']>);
    expect(() => resumed.check({ ...sane, valueMax: 61 })).toThrow(diverged);
  });

  it('has a bound without a discount, and before any reward', () => {
    const guard = new Guard(config({ discount: 1, guard: { valueFactor: 2, patience: 1 } }));
    guard.check({ ...sane, valueMax: 1999 });
    guard.check({ ...sane, valueMax: 2001 });
    expect(() => guard.check({ ...sane, valueMax: 2001 })).toThrow(diverged);
  });
});
