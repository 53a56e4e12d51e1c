/**
 * Choice of a threshold as in Su et al. 2020, section 5: the one with the smallest estimated squared error, which is the
 * variance of the mean plus the square of the bias, estimated by what the lost weight adds up to,
 * Σ (w − ŵ)·(r − q̂) / n.
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
  return smallestError(rounds, candidates, (w, tau) => (w <= tau ? w : 0));
}

/** λ of DRos. Needs a reward model and one choice a decision. */
export const tunedLambda = (rounds: Rounds): number => smallestError(rounds, LAMBDAS, shrunken);

/** The candidate with the smallest sum of estimated variance and squared bias; the least biased of equals. */
function smallestError(
  rounds: Rounds,
  candidates: readonly number[],
  weigh: (w: number, by: number) => number,
): number {
  let chosen = candidates[0]!;
  let smallest = Infinity;
  for (const candidate of candidates) {
    const error = squaredError(rounds, (w) => weigh(w, candidate));
    if (!(error < smallest)) continue;
    [chosen, smallest] = [candidate, error];
  }
  return chosen;
}

/** Of the mean of v + ŵ·(r − q̂): its variance, and the square of its distance to the same with the whole weights. */
function squaredError(rounds: Rounds, weigh: (w: number) => number): number {
  const { chosen, value } = rounds.model!;
  let [n, sum, squares, off] = [0, 0, 0, 0];
  for (let d = 0; d < rounds.decisions; d++) {
    const [stands, w] = [rounds.stands[d]!, rounds.weight[d]!];
    const residual = rounds.reward[d]! - chosen[d]!;
    const kept = weigh(w);
    const x = value[d]! + kept * residual;
    n += stands;
    sum += stands * x;
    squares += stands * x * x;
    off += stands * (w - kept) * residual;
  }
  const mean = sum / n;
  return Math.max(0, squares / n - mean * mean) / rounds.decisions + (off / n) ** 2;
}
