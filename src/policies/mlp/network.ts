/**
 * A multi-layer perceptron in plain typed arrays: a vector goes in, a vector of values comes out. Layers are dense, with
 * max(0, x) between them and nothing after the last.
 */

/** One dense layer: out_j = bias_j + Σ_i in_i · weights[i·outputs + j]. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** Row-major, [inputs, outputs]. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** Layers in order; each takes what the one before gives. At least one. */
export type Layers = readonly DenseLayer[];

/**
 * Scores one vector after the other without allocating. The layers are read at every call, so a learner may go on
 * changing their numbers. Not to be shared by callers that interleave.
 */
export class Network {
  readonly #layers: Layers;
  /** What each layer gives, after max(0, ·) where that applies. */
  readonly #activations: readonly Float32Array[];
  readonly #input: Float32Array;

  constructor(layers: Layers) {
    this.#layers = layers;
    this.#activations = layers.map(({ outputs }) => new Float32Array(outputs));
    this.#input = new Float32Array(layers[0]!.inputs);
  }

  get inputs(): number {
    return this.#input.length;
  }

  get outputs(): number {
    return this.#activations.at(-1)!.length;
  }

  /** Values of the input, `inputs` numbers long. The array belongs to the network: the next call writes over it. */
  forward(input: ArrayLike<number>): Float32Array {
    this.#input.set(input);
    let from = this.#input;
    for (let l = 0; l < this.#layers.length; l++) {
      const to = this.#activations[l]!;
      dense(this.#layers[l]!, from, to);
      if (l < this.#layers.length - 1) for (let j = 0; j < to.length; j++) if (to[j]! < 0) to[j] = 0;
      from = to;
    }
    return from;
  }

  /**
   * What each number of the input contributes to one output: gradient × input. Where every unit between is on or off a
   * network of this kind is linear, so the contributions and a constant add up to the output exactly.
   */
  contributions(input: ArrayLike<number>, output: number): Float32Array {
    this.forward(input);
    let gradient = new Float32Array(this.outputs);
    gradient[output] = 1;
    for (let l = this.#layers.length - 1; l >= 0; l--) {
      const { weights, inputs, outputs } = this.#layers[l]!;
      const before = l === 0 ? undefined : this.#activations[l - 1]!;
      const next = new Float32Array(inputs);
      for (let i = 0; i < inputs; i++) {
        if (before !== undefined && before[i] === 0) continue;
        let sum = 0;
        for (let j = 0; j < outputs; j++) sum += weights[i * outputs + j]! * gradient[j]!;
        next[i] = sum;
      }
      gradient = next;
    }
    for (let i = 0; i < gradient.length; i++) gradient[i]! *= this.#input[i]!;
    return gradient;
  }
}

function dense({ weights, bias, inputs, outputs }: DenseLayer, from: Float32Array, to: Float32Array): void {
  to.set(bias);
  for (let i = 0; i < inputs; i++) {
    const x = from[i]!;
    // After max(0, ·) about half of them.
    if (x === 0) continue;
    const row = i * outputs;
    for (let j = 0; j < outputs; j++) to[j]! += x * weights[row + j]!;
  }
}
