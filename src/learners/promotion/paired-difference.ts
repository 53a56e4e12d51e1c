/** By how much one decision speaks for a candidate and against a reference, in a number that bounds cannot make unfair. */

export interface PairedInput {
  /** μ: with what probability each open action could have been chosen. */
  readonly propensities: readonly number[];
  readonly chosen: number;
  /** Scaled to [0, 1]. */
  readonly reward: number;
}

/** The larger `weight`, the less is cut; the larger `loss`, the less noise, and the smaller the bets may be. */
export interface PairedLimits {
  /** W: weights are cut here. */
  readonly weight: number;
  /** L: what a single decision may say against the candidate at most, beside the 1 of a whole distribution. */
  readonly loss: number;
}

export interface PairedDifference {
  /** In [−(L + 1), W]. */
  readonly value: number;
  /** Probability of the reference's advantages that weights above W would have to speak for. */
  readonly unsupported: number;
  readonly clipped: boolean;
}

/**
 * d(a) = (π_c(a) − π_r(a)) / μ(a), for candidate c and reference r; y in [0, 1] is the reward. The value is
 *
 *   y·min(d(a), W)          where a was chosen and d(a) > 0: cutting it only takes from the candidate;
 *   y·d(a)                  where a was chosen and −L ≤ d(a) ≤ 0;
 *   (1 − y)·min(−d(a), W)   where a was chosen and d(a) < −L,
 *
 * less Σ (π_r − π_c) over *all* actions with d < −L: what the reference does much more often counts as though it always
 * earned the most, and is given back what it is seen not to earn. That is the same in the mean, bounded below whatever
 * the weights are, and again cutting only takes from the candidate.
 *
 * So the mean given the context is at most V(π_c) − V(π_r), whatever W and L and whatever μ has no chance of: a test that
 * finds it above 0 finds the candidate better. Where nothing is cut it is unbiased; where both policies agree it is 0, and
 * not only in the mean, so that most of the noise of two separate estimates is not in it.
 */
export function pairedDifference(
  { propensities, chosen, reward }: PairedInput,
  candidate: readonly number[],
  reference: readonly number[],
  { weight, loss }: PairedLimits,
): PairedDifference {
  let owed = 0;
  let unsupported = 0;
  for (let a = 0; a < propensities.length; a++) {
    const less = reference[a]! - candidate[a]!;
    if (less > loss * propensities[a]!) owed += less;
    if (less > weight * propensities[a]!) unsupported += less;
  }
  const difference = (candidate[chosen]! - reference[chosen]!) / propensities[chosen]!;
  // The same comparison as in the sum, so that no rounding puts an action in both places or in neither.
  const isOwed = reference[chosen]! - candidate[chosen]! > loss * propensities[chosen]!;
  const earned = isOwed
    ? (1 - reward) * Math.min(-difference, weight)
    : reward * Math.max(-loss, Math.min(difference, weight));
  return { value: Math.max(earned - owed, -(loss + 1)), unsupported, clipped: Math.abs(difference) > weight };
}
