/** The networks of deep Q-learning and their gradient steps. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import type { SeededRandom } from '../../kernel/random.js';
import { packedFloatsSchema, packFloats, unpackFloat32, type PackedFloats } from '../../policies/packed.js';
import type { ReplayBatch, ReplayBuffer } from '../replay-buffer/replay-buffer.js';
import { Adam, normOf } from '../tensor/adam.js';
import { tensorBackend, type TensorBackend } from '../tensor/backend.js';
import { FlatLayers } from '../tensor/flat-layers.js';
import { ValueGradient } from '../tensor/value-gradient.js';
import { networkSizes, type DqnConfig } from './config.js';
import { linear } from './exploration.js';
import { Guard } from './guard.js';

export const trainerStateSchema = z.strictObject({
  /** All numbers of the networks, layer by layer: weights, then bias. */
  online: packedFloatsSchema,
  target: packedFloatsSchema,
  /** Adam's moments and steps. */
  m: packedFloatsSchema,
  v: packedFloatsSchema,
  steps: z.number().int().nonnegative(),
  guard: z.strictObject({
    rewardMax: z.number().nonnegative(),
    breaches: z.number().int().nonnegative(),
  }),
});
export type TrainerState = z.infer<typeof trainerStateSchema>;

interface Tensors {
  readonly backend: TensorBackend;
  readonly gradient: ValueGradient;
}

export class QTrainer {
  readonly #config: DqnConfig;
  readonly #random: SeededRandom;
  readonly #online: FlatLayers;
  readonly #target: FlatLayers;
  readonly #gradient: FlatLayers;
  readonly #values: FlatLayers;
  readonly #adam: Adam;
  readonly #guard: Guard;
  #steps: number;
  #valuesAreStale = true;
  #tensors: Tensors | undefined;

  /** Throws Invariant `LEARNER_STATE_MISFIT` for a state of a network of another size. */
  constructor(config: DqnConfig, random: SeededRandom, saved: TrainerState | undefined) {
    this.#config = config;
    this.#random = random;
    const sizes = networkSizes(config);
    this.#online = new FlatLayers(sizes);
    this.#target = new FlatLayers(sizes);
    this.#gradient = new FlatLayers(sizes);
    this.#values = config.dueling ? new FlatLayers([...sizes.slice(0, -1), config.actions.length]) : this.#online;
    this.#guard = new Guard(config, saved?.guard);
    this.#steps = saved?.steps ?? 0;
    const size = this.#online.flat.length;
    if (saved === undefined) {
      this.#online.randomize(random);
      this.#target.flat.set(this.#online.flat);
      this.#adam = new Adam(size, config.adam);
      return;
    }
    const numbers = (field: 'online' | 'target' | 'm' | 'v'): Float32Array => fitting(saved[field], size, field);
    this.#online.flat.set(numbers('online'));
    this.#target.flat.set(numbers('target'));
    this.#adam = new Adam(size, config.adam, { m: numbers('m'), v: numbers('v'), steps: saved.steps });
  }

  /** Which backend computes its gradients; undefined before the first one. */
  get backend(): TensorBackend['name'] | undefined {
    return this.#tensors?.backend.name;
  }

  /** The network that gives one value an action. */
  get values(): FlatLayers {
    this.refreshValues();
    return this.#values;
  }

  /** Brings the numbers of `values` up to date. */
  refreshValues(): void {
    if (!this.#valuesAreStale) return;
    this.#valuesAreStale = false;
    if (this.#config.dueling) withoutStateValue(this.#online, this.#values);
  }

  rewarded(reward: number): void {
    this.#guard.rewarded(reward);
  }

  /**
   * One gradient step on a batch from the buffer; resolves to its loss. `experiences` drives the schedules. Rejects with
   * Invariant `LEARNER_DIVERGED`.
   */
  async step(replay: ReplayBuffer, experiences: number): Promise<number> {
    const { batchSize, prioritised, gradientNormMax, learningRate, target } = this.#config;
    const { backend, gradient } = (this.#tensors ??= await this.#load());
    await backend.activate();
    const beta = prioritised === undefined ? 1 : linear(prioritised.beta, 1, experiences / prioritised.betaSteps);
    const batch = replay.sample(batchSize, this.#random, beta);
    const targets = this.#targetsOf(batch, gradient);
    const rows = { rows: batchSize, inputs: batch.observations, weights: batch.weights, targets };
    const selector = this.#selectorOf(batch.actions);
    const { loss, errors } = gradient.step(this.#online, { ...rows, selector }, this.#gradient);
    const gradientNorm = normOf(this.#gradient.flat);
    this.#guard.check({ loss, gradientNorm, valueMax: largest(targets) });
    replay.learned(batch.indices, errors);
    const { rate, end, steps } = learningRate;
    const rateNow = linear(rate, end ?? rate, experiences / steps);
    this.#adam.apply(this.#online.flat, this.#gradient.flat, rateNow, Math.min(1, gradientNormMax / gradientNorm));
    this.#steps++;
    this.#valuesAreStale = true;
    if (target.kind === 'polyak') follow(this.#target.flat, this.#online.flat, target.tau);
    else if (this.#steps % target.every === 0) this.#target.flat.set(this.#online.flat);
    return loss;
  }

  state(): TrainerState {
    const { m, v } = this.#adam.state();
    return {
      online: packFloats(this.#online.flat),
      target: packFloats(this.#target.flat),
      m: packFloats(m),
      v: packFloats(v),
      steps: this.#steps,
      guard: this.#guard.state(),
    };
  }

  async #load(): Promise<Tensors> {
    const backend = await tensorBackend(this.#config.backend);
    return { backend, gradient: new ValueGradient(backend, this.#config.huberDelta) };
  }

  /**
   * r + γᵏ·Q⁻(s', argmax Q(s', a')), the maximum over actions that may be taken in s' (double Q-learning: H. van Hasselt,
   * A. Guez, D. Silver, _Deep Reinforcement Learning with Double Q-learning_, AAAI 2016; without it both are Q⁻).
   */
  #targetsOf(batch: ReplayBatch, gradient: ValueGradient): Float32Array {
    const { actions, double, dueling } = this.#config;
    const rows = batch.actions.length;
    const width = actions.length + (dueling ? 1 : 0);
    const networks = double ? [this.#target.layers, this.#online.layers] : [this.#target.layers];
    const [judged, chosen = judged!] = gradient.outputs(networks, batch.nexts, rows);
    const targets = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      let target = batch.rewards[row]!;
      if (batch.discounts[row] !== 0) {
        let best = -1;
        for (let action = 0; action < actions.length; action++) {
          if (batch.nextMasks[row * actions.length + action] === 0) continue;
          if (best < 0 || chosen[row * width + action]! > chosen[row * width + best]!) best = action;
        }
        if (best >= 0) target += batch.discounts[row]! * this.#valueAt(judged!, row * width, best);
      }
      targets[row] = target;
    }
    return targets;
  }

  /** An action's value in a row of outputs. */
  #valueAt(outputs: Float32Array, from: number, action: number): number {
    if (!this.#config.dueling) return outputs[from + action]!;
    const count = this.#config.actions.length;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += outputs[from + i]!;
    return outputs[from + count]! + outputs[from + action]! - sum / count;
  }

  /** What takes each row's action out of the outputs: with `dueling` V + A_a − mean(A) (Wang 2016, equation 9). */
  #selectorOf(taken: Uint16Array): Float32Array {
    const count = this.#config.actions.length;
    const width = count + (this.#config.dueling ? 1 : 0);
    const selector = new Float32Array(taken.length * width);
    for (let row = 0; row < taken.length; row++) {
      if (this.#config.dueling) {
        selector.fill(-1 / count, row * width, row * width + count);
        selector[row * width + count] = 1;
      }
      selector[row * width + taken[row]!]! += 1;
    }
    return selector;
  }
}

/** The last layer with V + A_a − mean(A) worked into its weights: a dueling network is served as any other. */
function withoutStateValue(from: FlatLayers, into: FlatLayers): void {
  for (const [l, layer] of into.layers.entries()) {
    const source = from.layers[l]!;
    if (l < into.layers.length - 1) {
      layer.weights.set(source.weights);
      layer.bias.set(source.bias);
      continue;
    }
    const { outputs } = layer;
    const rewrite = (read: Float32Array, at: number, write: Float32Array, to: number): void => {
      let sum = 0;
      for (let j = 0; j < outputs; j++) sum += read[at + j]!;
      for (let j = 0; j < outputs; j++) write[to + j] = read[at + outputs]! + read[at + j]! - sum / outputs;
    };
    for (let i = 0; i < layer.inputs; i++) rewrite(source.weights, i * source.outputs, layer.weights, i * outputs);
    rewrite(source.bias, 0, layer.bias, 0);
  }
}

function follow(target: Float32Array, online: Float32Array, tau: number): void {
  for (let i = 0; i < target.length; i++) target[i]! += tau * (online[i]! - target[i]!);
}

/** The largest magnitude; NaN if there is one. */
function largest(values: Float32Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (Number.isNaN(size)) return size;
    if (size > most) most = size;
  }
  return most;
}

function fitting(packed: PackedFloats, size: number, field: string): Float32Array {
  if (packed.shape.length === 1 && packed.shape[0] === size) return unpackFloat32(packed);
  const message = `The saved network is not one of this configuration: ${field} has another size.`;
  throw new EngineError('Invariant', 'LEARNER_STATE_MISFIT', message, { field });
}
