/** Notices that values run away, before they reach a policy. */
import { EngineError } from '../../kernel/errors.js';
import type { DqnConfig } from './config.js';

/** Without a discount rewards add up without end; they are then taken to do so over this many steps. */
const HORIZON_MAX = 1000;

export interface GuardState {
  /** Largest |reward| so far. */
  readonly rewardMax: number;
  /** Gradient steps on end whose values were out of bounds. */
  readonly breaches: number;
}

/**
 * Values cannot rightly exceed the largest reward times 1/(1 − discount). Bootstrapping overshoots that for a while
 * without harm; values that stay far above it have diverged (H. van Hasselt et al., _Deep Reinforcement Learning and the
 * Deadly Triad_, 2018).
 */
export class Guard {
  readonly #config: DqnConfig['guard'];
  readonly #horizon: number;
  #rewardMax: number;
  #breaches: number;

  constructor({ guard, discount }: DqnConfig, saved?: GuardState) {
    this.#config = guard;
    this.#horizon = Math.min(HORIZON_MAX, 1 / (1 - discount));
    this.#rewardMax = saved?.rewardMax ?? 0;
    this.#breaches = saved?.breaches ?? 0;
  }

  rewarded(reward: number): void {
    this.#rewardMax = Math.max(this.#rewardMax, Math.abs(reward));
  }

  /**
   * Throws Invariant `LEARNER_DIVERGED` where a number is not finite, or where the batch's largest |target| has been out
   * of bounds for too long.
   */
  check(step: { readonly loss: number; readonly gradientNorm: number; readonly valueMax: number }): void {
    for (const [name, value] of Object.entries(step))
      if (!Number.isFinite(value)) throw diverged(`its ${NAMES[name as keyof typeof NAMES]} became ${value}`);
    // Before any reward, and where all are tiny, the network's first values are larger than they could earn.
    const bound = this.#config.valueFactor * Math.max(1, this.#rewardMax) * this.#horizon;
    this.#breaches = step.valueMax > bound ? this.#breaches + 1 : 0;
    if (this.#breaches > this.#config.patience)
      throw diverged(
        `its values grew to ${step.valueMax.toPrecision(3)}, though no reward so far could add up to more than ` +
          `${(this.#rewardMax * this.#horizon).toPrecision(3)}`,
      );
  }

  state(): GuardState {
    return { rewardMax: this.#rewardMax, breaches: this.#breaches };
  }
}

const NAMES = { loss: 'loss', gradientNorm: 'gradient', valueMax: 'values' } as const;

const diverged = (what: string): EngineError =>
  new EngineError(
    'Invariant',
    'LEARNER_DIVERGED',
    `Training diverged: ${what}. The last good policy stays. Scale the observation, or lower learningRate or nStep.`,
  );
