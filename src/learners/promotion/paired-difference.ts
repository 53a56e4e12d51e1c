/** By how much one decision speaks for a candidate and against a reference, in a number that bounds cannot make unfair. */

export interface PairedInput {
  /** μ: with what probability each open action could have been chosen. */
  readonly propensities: readonly number[];
  readonly chosen: number;
  /** Scaled to [0, 1]. */
  readonly reward: number;
}

export interface PairedDifference {
  /** In [−(weightMax + 1), weightMax]. */
  readonly value: number;
  /** Probability of the reference's advantages that could not be weighed and were taken as earning everything. */
  readonly unsupported: number;
  readonly clipped: boolean;
}

/**
 * d(a) = (π_c(a) − π_r(a)) / μ(a), for candidate c and reference r; W = weightMax. With y the reward:
 *
 *   y·min(d(a), W)   where a was chosen and d(a) > 0: cutting it only takes from the candidate;
 *   y·d(a)           where a was chosen and −W ≤ d(a) ≤ 0;
 *   0                where a was chosen and d(a) < −W; instead Σ (π_r − π_c) over *all* such actions is subtracted from every
 *                    decision's value: what the reference does more often, and was hardly ever tried, counts as
 *                    though it always earned the most.
 *
 * As y ≥ 0, its mean given the context is at most V(π_c) − V(π_r), whatever W and whatever μ has no chance of: a test that
 * finds this mean above 0 finds the candidate better. It is 0, and not only in the mean, where both policies agree: most
 * of the noise of two separate estimates is not in it. The set of such actions depends on what was known before the
 * choice alone. Where none is unsupported and nothing is cut it is unbiased.
 */
export function pairedDifference(
  { propensities, chosen, reward }: PairedInput,
  candidate: readonly number[],
  reference: readonly number[],
  weightMax: number,
): PairedDifference {
  let unsupported = 0;
  for (let a = 0; a < propensities.length; a++) {
    const less = reference[a]! - candidate[a]!;
    if (less > weightMax * propensities[a]!) unsupported += less;
  }
  const difference = (candidate[chosen]! - reference[chosen]!) / propensities[chosen]!;
  // The same comparison as in the sum, so that no rounding puts an action in both places or in neither.
  const outside = reference[chosen]! - candidate[chosen]! > weightMax * propensities[chosen]!;
  return {
    value: (outside ? 0 : reward * Math.max(-weightMax, Math.min(difference, weightMax))) - unsupported,
    unsupported,
    clipped: difference > weightMax,
  };
}
