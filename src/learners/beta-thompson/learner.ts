/** Beta-Bernoulli posteriors of one arm each, with fractional successes. See README.md. */
import { z } from 'zod';
import type { Experience } from '../../messages/decisions.js';
import { BETA_THOMPSON_FAMILY } from '../../policies/thompson/policy.js';
import type { Learner, LearnerPlugin, PolicyExport, UpdateReport } from '../learner.js';
import { betaThompsonConfigSchema, type BetaThompsonConfig } from './config.js';

const posterior = z.tuple([z.number().min(0.5), z.number().min(0.5)]);
/** Pairs, not an object: the order of first trials is part of the state, and ids are anything. */
const stateSchema = z.strictObject({ arms: z.array(z.tuple([z.string(), posterior])) });
export type BetaThompsonState = z.infer<typeof stateSchema>;

type Posterior = [alpha: number, beta: number];

export const betaThompson: LearnerPlugin<BetaThompsonConfig, BetaThompsonState> = {
  kind: 'beta-thompson',
  incremental: true,
  configSchema: betaThompsonConfigSchema,
  stateSchema,
  create: (config, _deps, saved) => new BetaThompsonLearner(config, saved),
};

class BetaThompsonLearner implements Learner<BetaThompsonState> {
  readonly #config: BetaThompsonConfig;
  readonly #arms: Map<string, Posterior>;

  constructor(config: BetaThompsonConfig, saved: BetaThompsonState | undefined) {
    this.#config = config;
    this.#arms = new Map((saved?.arms ?? []).map(([id, [alpha, beta]]) => [id, [alpha, beta]]));
  }

  update(batch: readonly Experience[]): UpdateReport {
    let learned = 0;
    let lossSum = 0;
    for (const experience of batch) {
      if (!this.#counts(experience)) continue;
      const success = this.#success(experience.reward);
      const credited = experience.rewardedId ?? experience.slate[0]?.id;
      let touched = false;
      for (const { id, forced } of experience.slate) {
        if (forced) continue;
        const outcome = id === credited ? success : 0;
        const error = this.#learn(id, outcome);
        if (error === undefined) continue;
        touched = true;
        lossSum += error * error;
      }
      if (touched) learned++;
    }
    return { learned, lossSum };
  }

  snapshot(): BetaThompsonState {
    return { arms: [...this.#arms].map(([id, [alpha, beta]]) => [id, [alpha, beta]]) };
  }

  exportPolicy(): PolicyExport {
    const arms = Object.fromEntries([...this.#arms].map(([id, [alpha, beta]]) => [id, [alpha, beta]]));
    return { family: BETA_THOMPSON_FAMILY, parameters: { arms, prior: [...this.#config.prior] } };
  }

  #counts({ status }: Experience): boolean {
    return status === 'complete' || (status === 'censored' && this.#config.censored === 'learn');
  }

  #success(reward: number): number {
    const { min, max } = this.#config.reward;
    return Math.min(Math.max((reward - min) / (max - min), 0), 1);
  }

  /** Adds the outcome's share of a success and of a failure; gives the error of what was expected. */
  #learn(id: string, outcome: number): number | undefined {
    const { prior, forget, armsMax } = this.#config;
    let arm = this.#arms.get(id);
    if (arm === undefined) {
      if (this.#arms.size >= armsMax) return undefined;
      this.#arms.set(id, (arm = [prior[0], prior[1]]));
    }
    const error = outcome - arm[0] / (arm[0] + arm[1]);
    arm[0] = prior[0] + (1 - forget) * (arm[0] - prior[0]) + outcome;
    arm[1] = prior[1] + (1 - forget) * (arm[1] - prior[1]) + (1 - outcome);
    return error;
  }
}
