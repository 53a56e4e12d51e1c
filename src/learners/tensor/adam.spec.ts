import { describe, expect, it } from '@jest/globals';
import { Adam, normOf } from './adam.js';

const SETTINGS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

describe('Adam', () => {
  it('moves as Kingma and Ba say', () => {
    const adam = new Adam(1, SETTINGS);
    const parameters = Float32Array.of(1);
    let [m, v, expected] = [0, 0, 1];
    for (let t = 1; t <= 20; t++) {
      const g = Math.sin(t);
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      expected -= (0.01 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
      adam.apply(parameters, Float32Array.of(2 * g), 0.01, 0.5);
      expect(parameters[0]).toBeCloseTo(expected, 5);
    }
  });

  it('finds the bottom of a bowl, and goes on from a copy of its state', () => {
    const run = (adam: Adam, parameters: Float32Array, steps: number): void => {
      for (let i = 0; i < steps; i++)
        adam.apply(
          parameters,
          parameters.map((x) => 2 * (x - 3)),
          0.05,
          1,
        );
    };
    const whole = Float32Array.of(0, 10);
    run(new Adam(2, SETTINGS), whole, 400);
    expect(Math.max(...whole.map((x) => Math.abs(x - 3)))).toBeLessThan(0.05);
    const cut = Float32Array.of(0, 10);
    const first = new Adam(2, SETTINGS);
    run(first, cut, 150);
    const second = new Adam(2, SETTINGS, structuredClone(first.state()));
    run(first, Float32Array.of(7, 7), 10);
    run(second, cut, 250);
    expect(cut).toEqual(whole);
  });

  it('knows the length of a gradient', () => {
    expect(normOf(Float32Array.of(3, 0, -4))).toBe(5);
    expect(normOf(Float32Array.of(Number.NaN, 1))).toBeNaN();
  });
});
