/** The gradient of a value network, computed by TensorFlow.js. */
import type { Rank, Tensor, Tensor1D, Tensor2D, TensorLike } from '@tensorflow/tfjs';
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
type DenseOperation = (input: Tensor, weights: Tensor, bias: Tensor) => Tensor;

/** Holds no numbers between calls: whatever a learner must remember lies in its own arrays. */
export class ValueGradient {
  readonly #backend: TensorBackend;
  readonly #huberDelta: number;
  readonly #hidden: DenseOperation;
  readonly #last: DenseOperation;

  /** `huberDelta`: errors beyond it count linearly (P. Huber 1964). */
  constructor(backend: TensorBackend, huberDelta: number) {
    this.#backend = backend;
    this.#huberDelta = huberDelta;
    this.#hidden = denseOperation(backend, true);
    this.#last = denseOperation(backend, false);
  }

  /** Outputs of each network for the same inputs, [rows, outputs]. */
  outputs(networks: readonly Layers[], inputs: Float32Array, rows: number): Float32Array[] {
    const { tf } = this.#backend;
    const results: Float32Array[] = [];
    tf.tidy(() => {
      const x = tf.tensor2d(inputs, [rows, inputs.length / rows]);
      for (const layers of networks) {
        let h: Tensor = x;
        for (const [i, { weights, bias }] of this.#upload(layers).entries())
          h = tf.fused.matMul({
            a: h as Tensor2D,
            b: weights,
            bias,
            activation: i < layers.length - 1 ? 'relu' : 'linear',
          });
        results.push(Float32Array.from(h.dataSync()));
      }
    });
    return results;
  }

  /** Writes the gradient of the loss into `gradient`, which has the shape of `network`. */
  step(network: FlatLayers, batch: ValueBatch, gradient: FlatLayers): ValueStep {
    const { tf } = this.#backend;
    const { rows } = batch;
    let loss = Number.NaN;
    let errors = new Float32Array(0);
    tf.tidy(() => {
      const tensors = this.#upload(network.layers);
      const flat = tensors.flatMap(({ weights, bias }) => [weights, bias] as Tensor[]);
      const inputs = tf.tensor2d(batch.inputs, [rows, batch.inputs.length / rows]);
      const selector = tf.tensor2d(batch.selector, [rows, batch.selector.length / rows]);
      const targets = tf.tensor1d(batch.targets);
      const weights = tf.tensor1d(batch.weights);
      let error: Tensor | undefined;
      const lossOf = (...parameters: Tensor[]): Tensor => {
        let h: Tensor = inputs;
        for (let i = 0; i < parameters.length; i += 2) {
          const dense = i + 2 < parameters.length ? this.#hidden : this.#last;
          h = dense(h, parameters[i]!, parameters[i + 1]!);
        }
        // Kept, since differentiating disposes of all that it computes on the way.
        error = tf.keep(tf.sub(tf.sum(tf.mul(h, selector), 1), targets));
        const size = tf.abs(error);
        const inner = tf.minimum(size, this.#huberDelta);
        // ½·min(|e|, δ)² + δ·(|e| − min(|e|, δ)).
        const huber = tf.add(tf.mul(0.5, tf.square(inner)), tf.mul(this.#huberDelta, tf.sub(size, inner)));
        return tf.mean(tf.mul(weights, huber));
      };
      const { value, grads } = tf.valueAndGrads(lossOf)(flat as unknown as Tensor<Rank>[] & TensorLike[]);
      for (const [i, grad] of grads.entries()) {
        const layer = gradient.layers[i >> 1]!;
        (i % 2 === 0 ? layer.weights : layer.bias).set(grad.dataSync());
      }
      loss = value.dataSync()[0]!;
      errors = Float32Array.from(error!.dataSync());
      error!.dispose();
    });
    return { loss, errors };
  }

  #upload(layers: Layers): LayerTensors {
    const { tf } = this.#backend;
    return layers.map(({ weights, bias, inputs, outputs }) => ({
      weights: tf.tensor2d(weights, [inputs, outputs]),
      bias: tf.tensor1d(bias),
    }));
  }
}

/**
 * input·weights + bias, and max(0, ·) of it, with a gradient of its own. The library's multiplies transposed matrices, for
 * which WASM has no fast kernel: with the transposes written out a step of 256 × 256 units takes an eighth of the time.
 */
function denseOperation({ tf }: TensorBackend, relu: boolean): DenseOperation {
  return tf.customGrad((...args) => {
    const [input, weights, bias, save] = args as [Tensor2D, Tensor2D, Tensor1D, (tensors: Tensor[]) => void];
    const value = tf.fused.matMul({ a: input, b: weights, bias, activation: relu ? 'relu' : 'linear' });
    save(relu ? [input, weights, value] : [input, weights]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
      const [x, w, h] = saved as [Tensor2D, Tensor2D, Tensor2D | undefined];
      const d = (h === undefined ? dy : tf.mul(dy, tf.step(h))) as Tensor2D;
      return [tf.matMul(d, tf.transpose(w)), tf.matMul(tf.transpose(x), d), tf.sum(d, 0)];
    };
    return { value, gradFunc };
  }) as DenseOperation;
}
