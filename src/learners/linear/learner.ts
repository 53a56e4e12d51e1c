/** The one learner of linear models: kinds differ in how a reward is learned and in the policy they export. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import type { Experience, PolicyRef } from '../../messages/decisions.js';
import { FeatureEncoder, sourcesOfExperience } from '../../policies/features/encoder.js';
import { ARM_ID_MAX, beliefProblem, beliefsSchema, packBeliefs, unpackBeliefs } from '../../policies/linear/beliefs.js';
import { learnLogistic, sigmoid } from '../../policies/linear/link.js';
import { LinearModel, newPrediction } from '../../policies/linear/model.js';
import { shapeOf } from '../../policies/linear/parameters.js';
import { linearPolicy, type LinearRule } from '../../policies/linear/policy.js';
import { packFloats } from '../../policies/packed.js';
import type { Policy } from '../../policies/policy.js';
import { isLearnable, trialsOf } from '../credit.js';
import type { Learner, LearnerDeps, PolicyExport, UpdateReport } from '../learner.js';
import { armsMaxOf, drawsOf, type LinearConfig } from './config.js';
import { drawWeights } from './draws.js';

export const linearStateSchema = z.strictObject({
  beliefs: beliefsSchema,
  /** Experiences learned from. */
  learned: z.number().int().nonnegative(),
  /** From which every version's draws come. */
  seed: z.number().int().min(0).max(0xffffffff),
});
export type LinearState = z.infer<typeof linearStateSchema>;

export interface LinearLearnerSetup {
  readonly config: LinearConfig;
  readonly family: string;
  readonly link: 'identity' | 'logistic';
  readonly rule:
    { readonly kind: 'ucb'; readonly alpha: number } | { readonly kind: 'thompson'; readonly scale: number };
}

/** Experiences between two looks at the signal. */
const LOOK_EVERY = 64;
/** Keeps a logarithm finite. */
const CHANCE_MIN = 1e-15;

export class LinearLearner implements Learner<LinearState> {
  readonly #setup: LinearLearnerSetup;
  readonly #model: LinearModel;
  readonly #arm: FeatureEncoder | undefined;
  readonly #shared: FeatureEncoder | undefined;
  readonly #x: Float64Array;
  readonly #z: Float64Array;
  readonly #prediction = newPrediction();
  readonly #seed: number;
  #learned: number;

  /** Throws Invariant `LEARNER_STATE_MISFIT` where the saved state is that of a model of another shape. */
  constructor(setup: LinearLearnerSetup, { random }: LearnerDeps, saved?: LinearState) {
    const { config } = setup;
    const shape = shapeOf(config);
    const limits = { armsMax: armsMaxOf(config), forget: config.forget };
    const problem = saved && beliefProblem(saved.beliefs, shape);
    if (problem !== undefined) throw misfit(['beliefs', ...problem.path].join('.'), problem.message);
    this.#setup = setup;
    this.#model = saved ? unpackBeliefs(saved.beliefs, shape, limits) : new LinearModel(shape, limits);
    this.#arm = config.features.arm && new FeatureEncoder(config.features.arm);
    this.#shared = config.features.shared && new FeatureEncoder(config.features.shared);
    this.#x = new Float64Array(shape.arm);
    this.#z = new Float64Array(shape.shared);
    this.#seed = saved?.seed ?? Math.floor(random.next() * 0x100000000);
    this.#learned = saved?.learned ?? 0;
  }

  update(batch: readonly Experience[], signal: AbortSignal): UpdateReport {
    let learned = 0;
    let lossSum = 0;
    for (let i = 0; i < batch.length; i++) {
      if (i % LOOK_EVERY === 0) signal.throwIfAborted();
      const experience = batch[i]!;
      const trials = this.#trials(experience);
      if (trials.length === 0) continue;
      learned++;
      this.#learned++;
      for (const [id, reward] of trials) lossSum += this.#learn(experience, id, reward);
    }
    return { learned, lossSum };
  }

  snapshot(): LinearState {
    return { beliefs: packBeliefs(this.#model, 'f64'), learned: this.#learned, seed: this.#seed };
  }

  exportPolicy(): PolicyExport {
    const { config, family, rule } = this.#setup;
    const { features, covariance, precision } = config;
    const beliefs = packBeliefs(this.#model, 'f32');
    const model = { features, covariance, precision, beliefs };
    if (rule.kind === 'ucb') return { family, parameters: { ...model, alpha: rule.alpha } };
    const draws = this.#draws(rule.scale);
    const drawn =
      this.#z.length === 0 ? {} : { draws: packFloats(draws, [draws.length / this.#z.length, this.#z.length]) };
    return { family, parameters: { ...model, scale: rule.scale, ...drawn } };
  }

  /**
   * The policy of what it knows, in process and without a copy: it goes on changing with every update but for draws, which
   * are those of this moment.
   */
  livePolicy(ref: PolicyRef): Policy {
    const { config, link, rule } = this.#setup;
    const live: LinearRule =
      rule.kind === 'ucb' ? rule : { ...rule, draws: Float64Array.from(this.#draws(rule.scale)) };
    return linearPolicy({ ref, features: config.features, model: this.#model, rule: live, link });
  }

  #trials(experience: Experience): [id: string, reward: number][] {
    const { config } = this.#setup;
    if (!isLearnable(experience, experience.status, config)) return [];
    // Beliefs are kept by id: one that they could not be saved under is no arm.
    return trialsOf(experience.slate, experience, config.reward).filter(
      ([id]) => id.length > 0 && id.length <= ARM_ID_MAX,
    );
  }

  #draws(scale: number): Float32Array {
    const count = drawsOf(this.#setup.config);
    return drawWeights(this.#model.shared, count, scale, { seed: this.#seed, learned: this.#learned });
  }

  /** Gives the loss of what was expected: the squared error, or the logarithmic loss of a chance. */
  #learn(experience: Experience, id: string, reward: number): number {
    const { config, link } = this.#setup;
    const prediction = this.#prediction;
    const [x, z] = [this.#x, this.#z];
    const sources = sourcesOfExperience(experience, id);
    this.#arm?.encode(sources, x);
    this.#shared?.encode(sources, z);
    this.#model.predict(id, x, z, prediction);
    if (link === 'identity') {
      this.#model.learn(id, x, z, reward, 1);
      return (reward - prediction.mean) ** 2;
    }
    const { min, max } = config.reward;
    const y = (reward - min) / (max - min);
    const chance = Math.min(Math.max(sigmoid(prediction.mean), CHANCE_MIN), 1 - CHANCE_MIN);
    learnLogistic(this.#model, id, x, z, y, prediction);
    return -y * Math.log(chance) - (1 - y) * Math.log(1 - chance);
  }
}

const misfit = (field: string, message: string): EngineError =>
  new EngineError(
    'Invariant',
    'LEARNER_STATE_MISFIT',
    `The saved state is that of another configuration: ${field}: ${message}. Give the learner another id to start anew.`,
    { field: `state.${field}` },
  );
