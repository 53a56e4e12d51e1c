import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { experiencesOf, surfaceWith, UserRig } from '../../../test/support/user-actor.js';
import { rewardSettingsSchema, type RewardSettings } from '../../messages/rewards.js';
import { addReaction, worthOf, type Reaction } from './reward.js';
import type { PendingDetail, Reactions } from './pending.js';

const MINUTE = 60_000;
const settingsOf = (signals: object, rest: object = {}): RewardSettings =>
  rewardSettingsSchema.parse({ windowMs: MINUTE, signals, ...rest });
const worth = (signal: object, reaction: Partial<Reaction> = {}, ageMs = 0) =>
  worthOf({ type: 'x', ...reaction }, settingsOf({ x: signal }, { min: -1e30, max: 1e30 }), ageMs);

describe('what a signal is worth', () => {
  test.each([
    ['its value', { value: -0.2 }, {}, -0.2],
    ['its value for each unit', { value: 0.5, perUnit: true }, { value: 3 }, 1.5],
    ['centred and scaled', { value: 1, perUnit: true, center: 3, scale: 2 }, { value: 2 }, -0.5],
    ['by the kind', { value: 0.5, map: { like: 1, angry: -1 } }, { kind: 'angry' }, -0.5],
    ['by any other kind', { value: 0.5, map: { like: 1, '*': 0.2 } }, { kind: 'wow' }, 0.1],
    ['capped above', { value: 2, perUnit: true, cap: 5 }, { value: 70 }, 10],
    ['capped below', { value: 2, perUnit: true, cap: 5 }, { value: -70 }, -10],
    ['half of it at half', { value: 2, perUnit: true, transform: { saturate: { half: 20 } } }, { value: 20 }, 1],
    ['the logarithm', { value: 1, perUnit: true, transform: 'log' }, { value: Math.E - 1 }, 1],
    ['the logarithm of a size', { value: 1, perUnit: true, transform: 'log' }, { value: 1 - Math.E }, -1],
  ])('%s', (_what, signal, reaction, expected) => {
    expect(worth(signal, reaction)).toBeCloseTo(expected, 12);
  });

  test.each([
    ['the number it is measured by is missing', { value: 1, perUnit: true, center: 3 }, {}],
    ['the kind is missing', { value: 1, map: { like: 1 } }, {}],
    ['the kind is unknown', { value: 1, map: { like: 1 } }, { kind: 'hate' }],
    ['the kind is what every object has', { value: 1, map: { like: 1 } }, { kind: 'toString' }],
    ['nothing is declared', { value: 1 }, { type: 'other' }],
    ['the type is what every object has', { value: 1 }, { type: 'constructor' }],
  ])('is nothing where %s', (_what, signal, reaction) => {
    expect(worth(signal, reaction)).toBeUndefined();
  });

  test.each([
    [{ min: 0, max: 1 }, 1],
    [{ min: -1, max: 1 }, 2],
    [{ min: 0, max: 0.5 }, 0.5],
    [{ min: 2, max: 3 }, 3],
  ])('is never more than a surface of %j pays', (range, width) => {
    const settings = settingsOf({ x: { value: 1, perUnit: true } }, range);
    for (const value of [1e12, 1e308, Number.MAX_VALUE]) {
      expect(worthOf({ type: 'x', value }, settings, 0)).toBe(width);
      expect(worthOf({ type: 'x', value: -value }, settings, 0)).toBe(-width);
    }
  });

  test('leaves a sum what huge signals that cancel would have swallowed, in whatever order', () => {
    const settings = settingsOf({ x: { value: 1, perUnit: true } }, { combine: 'sum' });
    for (const order of [
      [0.3, 1e12, -1e12],
      [1e12, 0.3, -1e12],
      [1e12, -1e12, 0.3],
    ])
      expect(order.reduce((sum, value) => sum + worthOf({ type: 'x', value }, settings, 0)!, 0)).toBeCloseTo(0.3, 12);
  });

  test('counts from afterMs on and before withinMs', () => {
    const signal = { value: 1, afterMs: 10, withinMs: 20 };
    expect([9, 10, 19, 20].map((age) => worth(signal, {}, age))).toEqual([undefined, 1, 1, undefined]);
  });

  test('halves every halfLifeMs', () => {
    expect([0, 100, 300].map((age) => worth({ value: 8, halfLifeMs: 100 }, {}, age))).toEqual([8, 4, 1]);
  });
});

const signal = fc.record(
  {
    value: fc.double({ min: -10, max: 10, noNaN: true }),
    perUnit: fc.constant(true),
    center: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
    scale: fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
    transform: fc.oneof(fc.constantFrom('linear', 'log'), fc.constant({ saturate: { half: 3 } })),
    cap: fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
    halfLifeMs: fc.integer({ min: 1, max: 1e9 }),
  },
  { requiredKeys: ['value', 'perUnit'] },
);
const amount = fc.double({ min: -1e12, max: 1e12, noNaN: true });
const age = fc.integer({ min: 0, max: 1e12 });
const detail = { slate: [{ id: 'a', propensity: 1 }] } as unknown as PendingDetail;
const NOTHING: Reactions = { shown: false, reward: null, rewardedId: null, items: [], events: [], confirmed: [] };

describe('properties', () => {
  test('a worth is finite, within its cap, and fades with age towards nothing', () => {
    fc.assert(
      fc.property(signal, amount, age, age, (declared, value, one, other) => {
        const early = worth(declared, { value }, Math.min(one, other))!;
        const later = worth(declared, { value }, Math.max(one, other))!;
        expect(Number.isFinite(early)).toBe(true);
        expect(Math.abs(later)).toBeLessThanOrEqual(Math.abs(early));
        if (declared.cap !== undefined)
          expect(Math.abs(early)).toBeLessThanOrEqual(Math.abs(declared.value) * declared.cap);
      }),
    );
  });

  test('a transform keeps the order of values, and what is on either side of the centre', () => {
    fc.assert(
      fc.property(signal, amount, amount, (declared, a, b) => {
        const unit = { ...declared, value: 1 };
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((value) => worth(unit, { value })!);
        expect(low!).toBeLessThanOrEqual(high!);
        expect(Math.sign(worth(unit, { value: declared.center ?? 0 })!)).toBe(0);
      }),
    );
  });

  test('max and sum do not depend on the order of signals; last is the last one', () => {
    const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(values, (given) => {
        const rewardBy = (combine: string, order: readonly number[]): number =>
          order.reduce<Reactions>(
            (so, value) =>
              addReaction(
                so,
                detail,
                { type: 'x', value },
                settingsOf({ x: { value: 1, perUnit: true } }, { combine, min: -10, max: 10 }),
                0,
              ),
            NOTHING,
          ).reward!;
        const back = [...given].reverse();
        expect(rewardBy('max', given)).toBe(Math.max(...given));
        expect(rewardBy('max', back)).toBe(rewardBy('max', given));
        expect(rewardBy('sum', back)).toBeCloseTo(rewardBy('sum', given), 9);
        expect(rewardBy('last', given)).toBe(given.at(-1));
      }),
    );
  });
});

describe('a surface with many signals', () => {
  const reward = {
    windowMs: 10 * MINUTE,
    combine: 'sum',
    min: -1,
    max: 2,
    signals: {
      click: { value: 0.2 },
      accept: { value: 1, halfLifeMs: 5 * MINUTE },
      skip: { value: -0.5, withinMs: MINUTE },
      dwell: { value: 0.4, perUnit: true, transform: { saturate: { half: 20 } } },
      rating: { value: 0.5, perUnit: true, center: 3, scale: 2 },
      reaction: { value: 0.3, map: { like: 1, dislike: -1 } },
    },
  };

  test('adds them up as declared, each at its age', () => {
    const rig = new UserRig({ surfaces: [surfaceWith({ reward })] }).consent();
    const { id: decisionId } = rig.decide();
    rig.event('click', { decisionId });
    rig.event('dwell', { decisionId, value: 20 });
    rig.event('reaction', { decisionId, kind: 'dislike' });
    rig.event('reaction', { decisionId, kind: 7 });
    rig.nowMs += 5 * MINUTE;
    rig.event('skip', { decisionId });
    rig.event('accept', { decisionId });
    rig.event('rating', { decisionId, value: 5 });
    const [experience] = experiencesOf(rig.pass(60 * MINUTE));
    expect(experience!.reward).toBeCloseTo(0.2 + 0.2 - 0.3 + 0.5 + 0.5, 12);
    expect(experience!.events).toContainEqual({ type: 'reaction', kind: 'dislike' });
    expect(experience!.events).toContainEqual({ type: 'reaction' });
  });

  test('clamps the sum', () => {
    const rig = new UserRig({ surfaces: [surfaceWith({ reward })] }).consent();
    const { id: decisionId } = rig.decide();
    for (let i = 0; i < 5; i++) rig.event('skip', { decisionId });
    expect(experiencesOf(rig.pass(60 * MINUTE))).toMatchObject([{ reward: -1 }]);
  });

  test.each([
    ['reward.signals.x.center', { x: { value: 1, center: 3 } }],
    ['reward.signals.x.map', { x: { value: 1, perUnit: true, map: { like: 1 } } }],
    ['reward.signals.x.map', { x: { value: 1, map: {} } }],
    ['reward.signals.x.withinMs', { x: { value: 1, afterMs: 5, withinMs: 5 } }],
    ['reward.signals.x.withinMs', { x: { value: 1, withinMs: 10 * MINUTE + 1 } }],
    ['reward.signals.x.afterMs', { x: { value: 1, afterMs: 10 * MINUTE } }],
    ['reward.signals.x.halfLifeMs', { x: { value: 1, halfLifeMs: 0 } }],
    ['reward.signals.x.scale', { x: { value: 1, perUnit: true, scale: 0 } }],
    ['reward.signals.x.transform', { x: { value: 1, perUnit: true, transform: 'cube' } }],
    ['reward.signals.x.value', { x: { value: Number.NaN } }],
    ['reward.signals.x', { x: { value: 1, halflife: 3 } }],
  ])('refuses a definition that is none, naming %s', (field, signals) => {
    expect(() => surfaceWith({ reward: { ...reward, signals } })).toThrow(
      expect.objectContaining({ code: 'SURFACE_INVALID', message: expect.stringContaining(`${field}:`) }),
    );
  });
});
