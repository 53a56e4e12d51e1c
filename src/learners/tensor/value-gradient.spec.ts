import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../kernel/random.js';
import { Network } from '../../policies/mlp/network.js';
import { tensorBackend } from './backend.js';
import { FlatLayers } from './flat-layers.js';
import { ValueGradient, type ValueBatch } from './value-gradient.js';

const ROWS = 6;
const SIZES = [3, 5, 4, 2];

function problem(seed: number): { network: FlatLayers; batch: ValueBatch } {
  const random = seededRandom(seed);
  const draw = (length: number, scale: number): Float32Array =>
    Float32Array.from({ length }, () => (random.next() * 2 - 1) * scale);
  const network = new FlatLayers(SIZES);
  network.randomize(random);
  const batch = {
    rows: ROWS,
    inputs: draw(ROWS * 3, 1),
    selector: draw(ROWS * 2, 1),
    // Some errors are beyond δ and some below it.
    targets: draw(ROWS, 2),
    weights: draw(ROWS, 1).map(Math.abs),
  };
  return { network, batch };
}

/** The loss by its definition, in the plain network. */
function lossOf(layers: FlatLayers, batch: ValueBatch, delta: number): number {
  const network = new Network(layers.layers);
  let sum = 0;
  for (let row = 0; row < ROWS; row++) {
    const outputs = network.forward(batch.inputs.subarray(3 * row, 3 * row + 3));
    const value = outputs.reduce((total, one, j) => total + one * batch.selector[2 * row + j]!, 0);
    const error = Math.abs(value - batch.targets[row]!);
    sum += batch.weights[row]! * (error <= delta ? error ** 2 / 2 : delta * (error - delta / 2));
  }
  return sum / ROWS;
}

describe.each(['wasm', 'cpu'] as const)('the gradient of a value network on %s', (name) => {
  it('is that of the Huber loss', async () => {
    const delta = 0.5;
    const gradients = new ValueGradient(await tensorBackend(name), delta);
    const { network, batch } = problem(3);
    const gradient = new FlatLayers(SIZES);
    const { loss, errors } = gradients.step(network, batch, gradient);
    expect(loss).toBeCloseTo(lossOf(network, batch, delta), 5);
    expect(errors.some((error) => Math.abs(error) > delta) && errors.some((error) => Math.abs(error) < delta)).toBe(
      true,
    );
    for (let i = 0; i < network.flat.length; i++) {
      const [at, h] = [network.flat[i]!, 0.01];
      network.flat[i] = at + h;
      const above = lossOf(network, batch, delta);
      network.flat[i] = at - h;
      const below = lossOf(network, batch, delta);
      network.flat[i] = at;
      // A kink of the loss or of max(0, ·) within ±h bends the difference quotient a little.
      expect(Math.abs(gradient.flat[i]! - (above - below) / (2 * h))).toBeLessThan(5e-3);
    }
  });

  it('gives the outputs of the plain network', async () => {
    const gradients = new ValueGradient(await tensorBackend(name), 1);
    const { network, batch } = problem(5);
    const [first, second] = gradients.outputs([network.layers, network.layers], batch.inputs, ROWS);
    const plain = new Network(network.layers);
    for (let row = 0; row < ROWS; row++)
      for (const [j, value] of plain.forward(batch.inputs.subarray(3 * row, 3 * row + 3)).entries())
        expect(first![2 * row + j]).toBeCloseTo(value, 5);
    expect(second).toEqual(first);
  });

  it('is the same every time, and leaves no tensor behind', async () => {
    const backend = await tensorBackend(name);
    const gradients = new ValueGradient(backend, 1);
    const { network, batch } = problem(7);
    const once = new FlatLayers(SIZES);
    const again = new FlatLayers(SIZES);
    gradients.step(network, batch, once);
    const { numTensors } = backend.tf.memory();
    gradients.step(network, batch, again);
    gradients.outputs([network.layers], batch.inputs, ROWS);
    expect(backend.tf.memory().numTensors).toBe(numTensors);
    expect(again.flat).toEqual(once.flat);
  });
});
