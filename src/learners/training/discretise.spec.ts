import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createEnvironment } from '../environments/create-environment.js';
import { binsSchema, stateOf } from './discretise.js';
import { presetFor } from './presets.js';

const car = createEnvironment('mountaincar');
const bins = [
  { low: 0, high: 1, count: 4 },
  { low: -1, high: 1, count: 2 },
];

describe('states of observations', () => {
  it('are the bins, the outer ones open', () => {
    const state = stateOf(car, bins);
    expect(state(Float64Array.of(0, -1))).toBe('0,0');
    expect(state(Float64Array.of(0.25, 0))).toBe('1,1');
    expect(state(Float64Array.of(1, 1))).toBe('3,1');
    expect(state(Float64Array.of(-99, 99))).toBe('0,1');
  });

  it('are few, whatever is observed', () => {
    const state = stateOf(car, bins);
    const known = new Set([0, 1, 2, 3].flatMap((a) => [0, 1].map((b) => `${a},${b}`)));
    const observed = fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true }));
    fc.assert(fc.property(observed, ([a, b]) => known.has(state(Float64Array.of(a, b))!)));
  });

  it('are the index where there is one, and none without bins', () => {
    expect(stateOf(createEnvironment('city'))(Float64Array.of(17))).toBe('17');
    expect(stateOf(car)(Float64Array.of(0, 0))).toBeUndefined();
  });

  it('need bins for every number observed', () => {
    expect(() => stateOf(car, bins.slice(1))).toThrow(expect.objectContaining({ code: 'BINS_INVALID', field: 'bins' }));
  });

  it.each([
    { low: 1, high: 1, count: 2 },
    { low: 0, high: 1, count: 0 },
    { low: 0, high: Infinity, count: 2 },
  ])('refuse %j', (bad) => {
    expect(binsSchema.safeParse([bad]).success).toBe(false);
  });

  it.each(['cartpole', 'mountaincar', 'acrobot'])('have bins ready for %s', (name) => {
    const environment = createEnvironment(name);
    const preset = presetFor('q-learning', environment);
    expect(stateOf(environment, preset.bins)(environment.reset().observation)).toMatch(/^\d+(,\d+)+$/);
  });
});
