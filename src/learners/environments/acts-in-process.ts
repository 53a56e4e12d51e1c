/** The short way from an observation to an action, for learners whose exported artifact is too dear to make at every step. */

/**
 * What a learner may be besides a `Learner`, so that training on an environment need not export an artifact for every
 * change. The caller draws from the distribution, so the propensity of what it does is exact.
 */
export interface ActsInProcess {
  /**
   * Probability of each of the environment's actions 0 … n − 1 under the learner's present behaviour, exploration
   * included; they sum to 1. 0 where `mask` holds 0; without a mask every action may be chosen. Changes nothing in the
   * learner, and draws nothing. The array may be used again by the next call.
   */
  actionDistribution(observation: Float64Array, mask: Uint8Array | undefined): Float64Array;
}

export const actsInProcess = <T extends object>(learner: T): learner is T & ActsInProcess =>
  'actionDistribution' in learner && typeof learner.actionDistribution === 'function';

/** How an environment's action is called as a candidate: '0', '1', … */
export const actionId = (action: number): string => String(action);
