/**
 * The gradient of a value network. Its matrix products are TensorFlow.js's, and written out one by one: differentiating by
 * the library's tape takes nearly twice as long on small networks and leaves 700 KB of garbage a step, and garbage is collected
 * by threads that stand in the way of decisions.
 */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Layers } from '../../policies/mlp/network.js';
import type { TensorBackend } from './backend.js';
import type { FlatLayers } from './flat-layers.js';

/** Rows of a regression of the network's outputs towards targets. */
export interface ValueBatch {
  readonly rows: number;
  /** [rows, inputs]. */
  readonly inputs: Float32Array;
  /** [rows, outputs]: a row's value is the product of its outputs and this; one-hot to take one output. */
  readonly selector: Float32Array;
  /** [rows]. */
  readonly targets: Float32Array;
  /** [rows]: how much each row counts. */
  readonly weights: Float32Array;
}

export interface ValueStep {
  /** Mean over the rows of weight · Huber loss. */
  readonly loss: number;
  /** [rows]: value − target. */
  readonly errors: Float32Array;
}

type LayerTensors = readonly { readonly weights: Tensor2D; readonly bias: Tensor1D }[];

/** Holds no numbers between calls: whatever a learner must remember lies in its own arrays. */
export class ValueGradient {
  readonly #backend: TensorBackend;
  readonly #huberDelta: number;

  /** `huberDelta`: errors beyond it count linearly (P. Huber 1964). */
  constructor(backend: TensorBackend, huberDelta: number) {
    this.#backend = backend;
    this.#huberDelta = huberDelta;
  }

  /** Outputs of each network for the same inputs, [rows, outputs]. */
  outputs(networks: readonly Layers[], inputs: Float32Array, rows: number): Float32Array[] {
    const { tf } = this.#backend;
    const results: Float32Array[] = [];
    tf.tidy(() => {
      const x = tf.tensor2d(inputs, [rows, inputs.length / rows]);
      for (const layers of networks) results.push(numbersOf(this.#forward(x, this.#upload(layers)).at(-1)!));
    });
    return results;
  }

  /** Writes the gradient of the loss into `gradient`, which has the shape of `network`. */
  step(network: FlatLayers, batch: ValueBatch, gradient: FlatLayers): ValueStep {
    const { tf } = this.#backend;
    const { rows } = batch;
    return tf.tidy(() => {
      const tensors = this.#upload(network.layers);
      const x = tf.tensor2d(batch.inputs, [rows, batch.inputs.length / rows]);
      const activations = this.#forward(x, tensors);
      const { loss, errors, slopes } = this.#loss(numbersOf(activations.at(-1)!), batch);
      let above = slopes;
      for (let l = tensors.length - 1; l >= 0; l--) {
        const { inputs, outputs, weights, bias } = gradient.layers[l]!;
        const below = l === 0 ? x : activations[l - 1]!;
        const dy = tf.tensor2d(above, [rows, outputs]);
        // Transposed first: WASM has no fast kernel for the product of transposed matrices.
        weights.set(tf.matMul(tf.transpose(below), dy).dataSync());
        sumColumns(above, outputs, bias);
        if (l === 0) break;
        above = numbersOf(tf.matMul(dy, tf.transpose(tensors[l]!.weights)));
        const active = below.dataSync();
        for (let i = 0; i < rows * inputs; i++) if (active[i]! <= 0) above[i] = 0;
      }
      return { loss, errors };
    });
  }

  /** The outputs of each layer. */
  #forward(x: Tensor2D, layers: LayerTensors): Tensor2D[] {
    const { tf } = this.#backend;
    let a = x;
    return layers.map(({ weights: b, bias }, i) => {
      const activation = i < layers.length - 1 ? 'relu' : 'linear';
      return (a = tf.fused.matMul({ a, b, bias, activation }) as Tensor2D);
    });
  }

  /** ½·min(|e|, δ)² + δ·(|e| − min(|e|, δ)) of each row's error e; slopes of its weighted mean over the outputs. */
  #loss(outputs: Float32Array, batch: ValueBatch): ValueStep & { readonly slopes: Float32Array } {
    const { rows, selector, targets, weights } = batch;
    const delta = this.#huberDelta;
    const width = outputs.length / rows;
    const errors = new Float32Array(rows);
    const slopes = new Float32Array(outputs.length);
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      let value = 0;
      for (let i = row * width; i < (row + 1) * width; i++) value += outputs[i]! * selector[i]!;
      const error = value - targets[row]!;
      const inner = Math.min(Math.abs(error), delta);
      sum += weights[row]! * (inner ** 2 / 2 + delta * (Math.abs(error) - inner));
      const slope = (weights[row]! * Math.sign(error) * inner) / rows;
      for (let i = row * width; i < (row + 1) * width; i++) slopes[i] = slope * selector[i]!;
      errors[row] = error;
    }
    return { loss: sum / rows, errors, slopes };
  }

  #upload(layers: Layers): LayerTensors {
    const { tf } = this.#backend;
    return layers.map(({ weights, bias, inputs, outputs }) => ({
      weights: tf.tensor2d(weights, [inputs, outputs]),
      bias: tf.tensor1d(bias),
    }));
  }
}

/** A copy: what a backend gives may be its own memory. */
const numbersOf = (tensor: Tensor2D): Float32Array => Float32Array.from(tensor.dataSync());

function sumColumns(matrix: Float32Array, columns: number, into: Float32Array): void {
  into.fill(0);
  for (let i = 0; i < matrix.length; i++) into[i % columns]! += matrix[i]!;
}
