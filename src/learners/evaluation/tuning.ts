/**
 * Choice of a threshold by SLOPE (Su, Srinath and Krishnamurthy 2020): candidates in order of rising bias and falling
 * variance, each with an interval of two confidence widths to either side; taken is the last one whose interval meets
 * all before it. The confidence width is one standard error.
 */
import { shrunken } from './estimators.js';
import type { Rounds } from './rounds.js';

/** Powers of ten from no shrinkage downwards. */
const LAMBDAS = [Infinity, 1e5, 1e4, 1e3, 100, 10, 1, 0.1, 0] as const;
/** Quantiles of the weights, from the largest downwards; below the last, the model alone. */
const TAU_QUANTILES = [1, 0.999, 0.995, 0.99, 0.975, 0.95, 0.9, 0.75, 0.5] as const;

/** τ of Switch-DR. Needs a reward model and one choice a decision. */
export function tunedTau(rounds: Rounds): number {
  const sorted = Float64Array.from(rounds.weight).sort();
  const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  const candidates = [...new Set(TAU_QUANTILES.map((q) => quantile(q)))].concat(-1);
  return slope(rounds, candidates, (w, tau) => (w <= tau ? w : 0));
}

/** λ of DRos. Needs a reward model and one choice a decision. */
export const tunedLambda = (rounds: Rounds): number => slope(rounds, LAMBDAS, shrunken);

function slope(rounds: Rounds, candidates: readonly number[], weigh: (w: number, by: number) => number): number {
  let [low, high] = [-Infinity, Infinity];
  let chosen = candidates[0]!;
  for (const candidate of candidates) {
    const { mean, error } = moments(rounds, (w) => weigh(w, candidate));
    low = Math.max(low, mean - 2 * error);
    high = Math.min(high, mean + 2 * error);
    // Written so that NaN ends it too.
    if (!(low <= high)) break;
    chosen = candidate;
  }
  return chosen;
}

/** Mean and standard error of v + ŵ·(r − q̂). */
function moments(rounds: Rounds, weigh: (w: number) => number): { mean: number; error: number } {
  const { chosen, value } = rounds.model!;
  let [n, sum, squares] = [0, 0, 0];
  for (let d = 0; d < rounds.decisions; d++) {
    const x = value[d]! + weigh(rounds.weight[d]!) * (rounds.reward[d]! - chosen[d]!);
    n += rounds.stands[d]!;
    sum += rounds.stands[d]! * x;
    squares += rounds.stands[d]! * x * x;
  }
  const mean = sum / n;
  return { mean, error: Math.sqrt(Math.max(0, squares / n - mean * mean) / rounds.decisions) };
}
