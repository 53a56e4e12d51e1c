/**
 * What a learner may be tried on: the shape of Gymnasium's environments (M. Towers et al., _Gymnasium: A Standard
 * Interface for Reinforcement Learning Environments_, 2024), without its spaces: actions are discrete, observations are
 * vectors of numbers.
 */

/** What an environment says besides the observation: Gymnasium's `info`. */
export interface StepInfo {
  /** One byte an action: 1 where it may be chosen now, else 0. Left out where all may be. */
  readonly actionMask?: Uint8Array;
}

export interface Reset {
  readonly observation: Float64Array;
  readonly info: StepInfo;
}

export interface Step extends Reset {
  /** Reward of the action just taken. */
  readonly reward: number;
  /** The episode ended by the environment's own rules: nothing comes after it. */
  readonly terminated: boolean;
  /** `maxSteps` have been taken: the episode was cut off, and would have gone on. May be true with `terminated`. */
  readonly truncated: boolean;
}

/**
 * One episode at a time. The same seed and the same actions give the same numbers. An observation is the caller's own:
 * later steps do not change it.
 */
export interface Environment {
  /** As Gymnasium registers it where it is one of Gymnasium's: 'CartPole-v1'. */
  readonly id: string;
  /** Length of an observation; 1 for tabular ones, whose observation is the state's index. */
  readonly observationSize: number;
  /** Number of states of a tabular environment; left out for others. */
  readonly states?: number;
  /** Number of actions; they are 0 … actions − 1. */
  readonly actions: number;
  /** Steps after which an episode is truncated, as Gymnasium registers it. */
  readonly maxSteps: number;
  /** Begins an episode. A seed begins a new stream of chance; without one the stream goes on. */
  reset(seed?: number): Reset;
  /**
   * Throws InvalidRequest `ENVIRONMENT_ACTION` for what is no action of this environment, and `ENVIRONMENT_NOT_RESET`
   * before the first reset and after an episode's end. An action that the mask forbids is taken all the same.
   */
  step(action: number): Step;
}
