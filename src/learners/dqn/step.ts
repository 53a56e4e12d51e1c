/** What an experience says about a step. */
import type { Experience, NextState } from '../../messages/decisions.js';
import { scaleObservation } from '../../policies/mlp/parameters.js';
import { actionOf, futureOf, isLearnable } from '../credit.js';
import type { DqnConfig } from './config.js';
import type { Situation } from '../replay-buffer/replay-buffer.js';
import type { Step } from './n-step.js';

/** Reads experience by a configuration. */
export class StepReader {
  readonly #config: DqnConfig;
  readonly #indexOf: ReadonlyMap<string, number>;

  constructor(config: DqnConfig) {
    this.#config = config;
    this.#indexOf = new Map(config.actions.map((id, index) => [id, index]));
  }

  /** Undefined for an experience that nothing is to be learned from. */
  stepOf(experience: Experience): Step | undefined {
    const { status, ending, episode, step } = experience;
    if (!isLearnable(experience, status, this.#config)) return undefined;
    const chosen = actionOf(experience);
    if (chosen === undefined) return undefined;
    const { reward } = chosen;
    const action = this.#indexOf.get(chosen.id);
    const observation = this.#observed(experience.observation);
    // The replay buffer keeps 32 bits: what is beyond them would be infinite there, in every batch that draws it.
    if (action === undefined || observation === undefined || !Number.isFinite(Math.fround(chosen!.reward)))
      return undefined;
    return {
      episode,
      place: step,
      observation,
      action,
      reward,
      next: futureOf(experience, this.#config, (next) => this.#situationOf(next)),
      continues: ending === undefined,
    };
  }

  /** Undefined where it cannot be valued: not observed, or only candidates that are none of the actions. */
  #situationOf(next: NextState): Situation | 'terminal' | undefined {
    const observation = this.#observed(next.observation);
    if (observation === undefined) return undefined;
    // Where nothing may be chosen nothing more is earned.
    if (next.eligible.length === 0) return 'terminal';
    const mask = new Uint8Array(this.#config.actions.length);
    for (const id of next.eligible) {
      const index = this.#indexOf.get(id);
      if (index !== undefined) mask[index] = 1;
    }
    return mask.includes(1) ? { observation, mask } : undefined;
  }

  #observed(observation: readonly number[] | undefined): Float32Array | undefined {
    const { size, scaling } = this.#config.observation;
    if (observation?.length !== size) return undefined;
    const scaled = new Float32Array(size);
    scaleObservation(observation, scaling, scaled);
    return scaled.every(Number.isFinite) ? scaled : undefined;
  }
}
