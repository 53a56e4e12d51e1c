import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../kernel/random.js';
import { FlatLayers, parametersOf } from './flat-layers.js';

describe('layers in one array', () => {
  it('lie one after the other, weights before the bias', () => {
    const { flat, layers } = new FlatLayers([2, 3, 1]);
    expect(flat.length).toBe(parametersOf([2, 3, 1]));
    expect(flat.length).toBe(2 * 3 + 3 + 3 * 1 + 1);
    for (let i = 0; i < flat.length; i++) flat[i] = i;
    expect(layers.map(({ weights, bias }) => [[...weights], [...bias]])).toEqual([
      [
        [0, 1, 2, 3, 4, 5],
        [6, 7, 8],
      ],
      [[9, 10, 11], [12]],
    ]);
  });

  it('begin within the bound that their inputs set, the same from the same seed', () => {
    const [one, other] = [new FlatLayers([100, 50, 4]), new FlatLayers([100, 50, 4])];
    one.randomize(seededRandom(1));
    other.randomize(seededRandom(1));
    expect(other.flat).toEqual(one.flat);
    const most = (numbers: Float32Array): number => Math.max(...numbers.map(Math.abs));
    expect(most(one.layers[0]!.weights)).toBeGreaterThan(0.09);
    expect(most(one.layers[0]!.weights)).toBeLessThanOrEqual(0.1);
    expect(most(one.layers[1]!.weights)).toBeLessThanOrEqual(1 / Math.sqrt(50) + 1e-7);
    other.randomize(seededRandom(2));
    expect(other.flat).not.toEqual(one.flat);
  });
});
