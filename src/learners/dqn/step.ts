/** What an experience says about a step. */
import type { Experience } from '../../messages/decisions.js';
import { scaleObservation } from '../../policies/mlp/parameters.js';
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
    const { status, slate, rewardedId, reward, ending, episode, step } = experience;
    const counts = status === 'complete' || (status === 'censored' && this.#config.censored === 'learn');
    if (!counts || ending === 'withdrawn') return undefined;
    const chosen = slate.filter((item) => !item.forced);
    // The action is what the reward was credited to, if the policy chose it; else what it put on top.
    const id = chosen.find((item) => item.id === rewardedId)?.id ?? chosen[0]?.id;
    const action = id === undefined ? undefined : this.#indexOf.get(id);
    const observation = this.#observed(experience.observation);
    if (action === undefined || observation === undefined) return undefined;
    // What was credited to a pinned item was not earned by the action.
    const pinned = rewardedId !== null && slate.some((item) => item.forced && item.id === rewardedId);
    return {
      episode,
      place: step,
      observation,
      action,
      reward: pinned ? 0 : reward,
      next: this.#nextOf(experience),
      continues: ending === undefined,
    };
  }

  #nextOf({ ending, next }: Experience): Step['next'] {
    if (ending === 'terminal' || this.#config.discount === 0) return 'terminal';
    const situation = next ? this.#situationOf(next) : undefined;
    if (situation !== undefined) return situation;
    // A truncated episode would have gone on: that its future is unknown does not make it worthless.
    return ending === undefined && this.#config.withoutNext === 'terminal' ? 'terminal' : undefined;
  }

  /** Undefined where it cannot be valued: not observed, or only candidates that are none of the actions. */
  #situationOf(next: NonNullable<Experience['next']>): Situation | 'terminal' | undefined {
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
