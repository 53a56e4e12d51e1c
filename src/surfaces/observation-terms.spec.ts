import { UTC } from '../messages/settings.js';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileObservation, observationTermSchema } from './observation-terms.js';
import type { StateInput } from './state-terms.js';

const input: StateInput = {
  features: { eventsPerDay: 3 },
  context: { lat: 40.75, raining: true, car: 'van' },
  nowMs: Date.UTC(2025, 0, 6, 6, 30),
  timeZone: UTC,
};
const observer = (...terms: unknown[]) => compileObservation(terms.map((term) => observationTermSchema.parse(term)));
const observe = (term: unknown, change: Partial<StateInput> = {}) => observer(term).observe({ ...input, ...change });

describe('observation terms', () => {
  it('shift, scale and clip features and context', () => {
    expect(observe({ name: 'often', from: 'feature', key: 'eventsPerDay', offset: 1, scale: 4 })).toEqual([0.5]);
    expect(observe({ name: 'lat', from: 'context', key: 'lat', offset: 40.5, scale: 0.5 })).toEqual([0.5]);
    expect(observe({ name: 'lat', from: 'context', key: 'lat', scale: 0.1, clip: 3 })).toEqual([3]);
    expect(observe({ name: 'lat', from: 'context', key: 'lat', offset: 100, scale: 0.1, clip: 3 })).toEqual([-3]);
    expect(observe({ name: 'rain', from: 'context', key: 'raining' })).toEqual([1]);
  });

  it.each([
    ['what is not there', 'nothing'],
    ['text', 'car'],
    ['what every object has', 'toString'],
  ])('give `missing` for %s', (_what, key) => {
    expect(observe({ name: 'x', from: 'context', key, missing: -1, offset: 5 })).toEqual([-1]);
  });

  it('tell values apart, and unknown ones from all of them', () => {
    const term = { name: 'car', from: 'context-value', key: 'car', values: ['small', 'van', 1, true] };
    expect(observe(term)).toEqual([0, 1, 0, 0]);
    expect(observe(term, { context: { car: '1' } })).toEqual([0, 0, 0, 0]);
    expect(observe(term, { context: { car: true } })).toEqual([0, 0, 0, 1]);
    expect(observe(term, { context: {} })).toEqual([0, 0, 0, 0]);
  });

  it('put hours on a circle', () => {
    const [sin, cos] = observe({ name: 'hour', from: 'hour-of-day' });
    expect(sin).toBeCloseTo(1, 12);
    expect(cos).toBeCloseTo(0, 12);
    const [weekSin, weekCos] = observe({ name: 'week', from: 'hour-of-week' });
    expect(Math.atan2(weekSin!, weekCos!)).toBeCloseTo((6 / 168) * 2 * Math.PI, 12);
  });

  it('name every number, in order', () => {
    const { names, observe: all } = observer(
      { name: 'hour', from: 'hour-of-day' },
      { name: 'car', from: 'context-value', key: 'car', values: ['van', false] },
      { name: 'lat', from: 'context', key: 'lat' },
    );
    expect(names).toEqual(['hour.sin', 'hour.cos', 'car=van', 'car=false', 'lat']);
    expect(all(input)).toHaveLength(names.length);
  });

  it('are finite whatever is known', () => {
    const extreme = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(extreme, fc.double({ min: 1e-9, max: 1e9, noNaN: true }), extreme, (value, scale, other) => {
        const numbers = observer(
          { name: 'a', from: 'context', key: 'a', scale },
          { name: 'b', from: 'feature', key: 'b', scale, offset: -1e9, clip: 1e6 },
        ).observe({ ...input, context: { a: value }, features: { b: other } });
        expect(numbers.every(Number.isFinite)).toBe(true);
      }),
    );
  });

  it.each([
    [{ name: 'x', from: 'context', key: 'x', scale: 0 }, 'scale'],
    [{ name: 'x', from: 'context', key: 'x', clip: -1 }, 'clip'],
    [{ name: 'x', from: 'context-value', key: 'x', values: ['a', 'a'] }, 'values'],
    [{ name: 'X', from: 'hour-of-day' }, 'name'],
  ])('refuse %j naming %s', (term, field) => {
    expect(observationTermSchema.safeParse(term).error!.issues[0]!.path).toEqual([field]);
  });
});
