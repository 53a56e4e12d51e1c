/** Deep Q-learning on the observations that a surface declares. See README.md. */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { SeededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { packLayers, scaleObservation } from '../../policies/mlp/parameters.js';
import { Network } from '../../policies/mlp/network.js';
import { MLP_Q_FAMILY } from '../../policies/mlp/policy.js';
import type { ActsInProcess } from '../environments/acts-in-process.js';
import type { Learner, LearnerPlugin, PolicyExport, UpdateReport } from '../learner.js';
import { ReplayBuffer, replayStateSchema } from '../replay-buffer/replay-buffer.js';
import { dqnConfigSchema, type DqnConfig } from './config.js';
import { explorationAt, maskedDistribution } from './exploration.js';
import { NStep, nStepStateSchema } from './n-step.js';
import { QTrainer, trainerStateSchema } from './q-trainer.js';
import { StepReader } from './step.js';

const stateSchema = z.strictObject({
  trainer: trainerStateSchema,
  replay: replayStateSchema,
  /** Steps of episodes under way. */
  waiting: nStepStateSchema,
  /** Experiences learned from, of each action. */
  counts: z.array(z.number().int().nonnegative()),
});
export type DqnState = z.infer<typeof stateSchema>;

export const dqn: LearnerPlugin<DqnConfig, DqnState> = {
  kind: 'dqn',
  incremental: true,
  configSchema: dqnConfigSchema,
  stateSchema,
  create: (config, { random }, saved) => new DqnLearner(config, random, saved),
};

class DqnLearner implements Learner<DqnState>, ActsInProcess {
  readonly #config: DqnConfig;
  readonly #reader: StepReader;
  readonly #replay: ReplayBuffer;
  readonly #steps: NStep;
  readonly #trainer: QTrainer;
  readonly #counts: number[];
  #learned: number;
  readonly #network: Network;
  readonly #input: Float32Array;
  readonly #probabilities: Float64Array;

  constructor(config: DqnConfig, random: SeededRandom, saved: DqnState | undefined) {
    const { observation, actions, replayMax, nStep, discount, episodesMax } = config;
    this.#config = config;
    this.#reader = new StepReader(config);
    const shape = { capacity: replayMax, observationSize: observation.size, actions: actions.length };
    this.#replay = new ReplayBuffer(shape, config.prioritised, saved?.replay);
    const settings = { n: nStep, discount, episodesMax };
    this.#steps = new NStep(settings, (transition) => this.#replay.add(transition), saved?.waiting);
    this.#trainer = new QTrainer(config, random, saved?.trainer);
    this.#counts = saved === undefined ? actions.map(() => 0) : [...saved.counts];
    this.#learned = this.#counts.reduce((sum, count) => sum + count, 0);
    this.#network = new Network(this.#trainer.values.layers);
    this.#input = new Float32Array(observation.size);
    this.#probabilities = new Float64Array(actions.length);
  }

  get runtime(): string | undefined {
    const { backend } = this.#trainer;
    return backend === undefined ? undefined : `TensorFlow.js, ${backend}`;
  }

  async update(batch: readonly Experience[], signal: AbortSignal): Promise<UpdateReport> {
    let learned = 0;
    let steps = 0;
    let lossSum = 0;
    for (const experience of batch) {
      signal.throwIfAborted();
      if (experience.ending === 'withdrawn' && experience.episode !== undefined) this.#steps.forget(experience.episode);
      const step = this.#reader.stepOf(experience);
      if (step === undefined) continue;
      this.#steps.take(step);
      if (step.next === undefined) continue;
      this.#trainer.rewarded(step.reward);
      this.#counts[step.action]!++;
      this.#learned++;
      learned++;
      for (let left = this.#stepsDue(); left > 0; left--) {
        lossSum += await this.#trainer.step(this.#replay, this.#learned);
        steps++;
        // So that the signal can be heard, and whatever else lives in this thread goes on.
        await setImmediate();
        signal.throwIfAborted();
      }
    }
    return steps === 0 ? { learned } : { learned, lossSum: (lossSum / steps) * learned };
  }

  snapshot(): DqnState {
    return {
      trainer: this.#trainer.state(),
      replay: this.#replay.state(),
      waiting: this.#steps.state(),
      counts: [...this.#counts],
    };
  }

  exportPolicy(): PolicyExport {
    const { actions, observation, exploration } = this.#config;
    const { terms, scaling } = observation;
    return {
      family: MLP_Q_FAMILY,
      parameters: {
        actions,
        layers: packLayers(this.#trainer.values.layers),
        observation: { ...(terms === undefined ? {} : { terms }), ...(scaling === undefined ? {} : { scaling }) },
        counts: [...this.#counts],
        exploration: explorationAt(exploration, this.#learned),
      },
    };
  }

  actionDistribution(observation: Float64Array, mask: Uint8Array | undefined): Float64Array {
    scaleObservation(observation, this.#config.observation.scaling, this.#input);
    this.#trainer.refreshValues();
    const values = this.#network.forward(this.#input);
    const exploration = explorationAt(this.#config.exploration, this.#learned);
    return maskedDistribution(values, mask, exploration, this.#probabilities);
  }

  /** Gradient steps to make now: a matter of counts alone, so that it does not depend on how batches are cut. */
  #stepsDue(): number {
    const { warmup, trainEvery, gradientSteps } = this.#config;
    return this.#learned >= warmup && this.#learned % trainEvery === 0 && this.#replay.size > 0 ? gradientSteps : 0;
  }
}
