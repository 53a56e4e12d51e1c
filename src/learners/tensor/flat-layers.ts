import type { Random } from '../../kernel/random.js';
import type { DenseLayer, Layers } from '../../policies/mlp/network.js';

/** The layers of a network whose numbers lie in one array, so that an optimiser goes over them in one loop. */
export class FlatLayers {
  /** Layer by layer: its weights, row-major, and then its bias. */
  readonly flat: Float32Array;
  /** Views into `flat`. */
  readonly layers: Layers;

  /** `sizes`: inputs, units of each hidden layer, outputs. All numbers are 0. */
  constructor(sizes: readonly number[]) {
    this.flat = new Float32Array(parametersOf(sizes));
    let at = 0;
    const view = (length: number): Float32Array => this.flat.subarray(at, (at += length));
    this.layers = sizes.slice(1).map((outputs, i): DenseLayer => {
      const inputs = sizes[i]!;
      return { inputs, outputs, weights: view(inputs * outputs), bias: view(outputs) };
    });
  }

  /** Uniform in ±1/√inputs, weights and biases alike (Y. LeCun et al., _Efficient BackProp_, 1998; PyTorch's default). */
  randomize(random: Random): void {
    for (const { weights, bias, inputs } of this.layers) {
      const bound = 1 / Math.sqrt(inputs);
      for (const numbers of [weights, bias])
        for (let i = 0; i < numbers.length; i++) numbers[i] = (random.next() * 2 - 1) * bound;
    }
  }
}

/** How many numbers a network of these sizes has. */
export const parametersOf = (sizes: readonly number[]): number =>
  sizes.slice(1).reduce((sum, outputs, i) => sum + (sizes[i]! + 1) * outputs, 0);
