/** What the weights say of an estimate before it is made: how much of the log speaks for the target at all. */
import type { WeightKind } from './estimators.js';
import { firstChoice, type Rounds } from './rounds.js';

/**
 * The mean weight may miss 1 by `z` standard errors, or by `off`, whichever is more; but by no more than `rounding` where so
 * many standard errors make it certain: weights that are nearly alike have a mean that no chance has moved.
 */
export const MEAN_RULES = { z: 4, off: 0.05, certain: 20, rounding: 0.015 } as const;

/** Whether the mean weight is what that of right propensities may be. Written so that NaN is not. */
export const isMeanPlausible = ({ mean, meanZ }: Pick<WeightDiagnostics, 'mean' | 'meanZ'>): boolean => {
  const [off, z] = [Math.abs(mean - 1), Math.abs(meanZ)];
  return z <= MEAN_RULES.z || off <= (z <= MEAN_RULES.certain ? MEAN_RULES.off : MEAN_RULES.rounding);
};

export interface WeightDiagnostics {
  /** Weights that went in. */
  readonly count: number;
  /** (Σ w)² / Σ w² (Kish 1965): as many equal weights would know as much. */
  readonly effectiveSampleSize: number;
  /** Mean weight: 1 up to chance, if the propensities are right and the log could have chosen all that the target does. */
  readonly mean: number;
  /** How many standard errors the mean is from 1: infinite where all weights are the same and not 1. */
  readonly meanZ: number;
  readonly max: number;
  /** The largest weight's share of all. */
  readonly maxShare: number;
  /** Share of weights above the clip, and of all weight that clipping takes away. */
  readonly clippedShare: number;
  readonly clippedWeight: number;
}

/**
 * Where there are several positions, each figure is that of the position where it is worst, the mean where it is the least
 * believable. Effective sample size and largest share are then those of the position as if all decisions had it: a rare
 * position weighs as little in the estimate as it is rare.
 */
export function weightDiagnostics(rounds: Rounds, kind: WeightKind, clip: number): WeightDiagnostics {
  const tallies = Array.from({ length: Math.max(rounds.positions, 1) }, () => new Tally(clip));
  for (let d = 0; d < rounds.decisions; d++) {
    const stands = rounds.stands[d]!;
    let prefix = 1;
    for (let c = firstChoice(rounds, d); c < rounds.ends[d]!; c++) {
      const w = rounds.weight[c]!;
      prefix *= w;
      if (kind === 'choice') tallies[0]!.add(w, stands);
      else if (kind === 'each') tallies[rounds.position[c]!]!.add(w, stands);
      else if (kind === 'prefix') tallies[rounds.position[c]!]!.add(prefix, stands);
    }
    if (kind === 'whole') tallies[0]!.add(prefix, stands);
  }
  const used = tallies.filter((tally) => tally.count > 0).map((tally) => tally.diagnostics());
  if (used.length === 0) return new Tally(clip).diagnostics();
  const worst = (figure: (one: WeightDiagnostics) => number): number =>
    used.reduce((m, x) => worse(m, figure(x)), -Infinity);
  const all = rounds.decisions;
  const { mean, meanZ } = used.reduce((x, y) => (disbelief(y) > disbelief(x) ? y : x));
  return {
    count: all,
    effectiveSampleSize: -worst(({ effectiveSampleSize, count }) => -(effectiveSampleSize / count)) * all,
    mean,
    meanZ,
    max: worst(({ max }) => max),
    maxShare: worst(({ maxShare, count }) => (maxShare * count) / all),
    clippedShare: worst(({ clippedShare }) => clippedShare),
    clippedWeight: worst(({ clippedWeight }) => clippedWeight),
  };
}

/** The larger one; what is no number is worse than any. */
const worse = (x: number, y: number): number => (Number.isNaN(x) || Number.isNaN(y) ? NaN : Math.max(x, y));

/** How far from plausible: 0 where it is. */
function disbelief(one: WeightDiagnostics): number {
  if (isMeanPlausible(one)) return 0;
  const off = Math.abs(one.mean - 1);
  return Number.isNaN(off) ? Infinity : off;
}

class Tally {
  count = 0;
  readonly #clip: number;
  #stands = 0;
  #sum = 0;
  #squares = 0;
  #max = 0;
  #largest = 0;
  #above = 0;
  #lost = 0;

  constructor(clip: number) {
    this.#clip = clip;
  }

  add(w: number, stands: number): void {
    this.count++;
    this.#stands += stands;
    this.#sum += stands * w;
    this.#squares += stands * stands * w * w;
    this.#max = Math.max(this.#max, w);
    this.#largest = Math.max(this.#largest, stands * w);
    if (w <= this.#clip) return;
    this.#above++;
    this.#lost += stands * (w - this.#clip);
  }

  diagnostics(): WeightDiagnostics {
    const { count } = this;
    const mean = this.#stands === 0 ? 0 : this.#sum / this.#stands;
    const variance =
      count === 0 ? 0 : Math.max(0, (this.#squares / (this.#stands * this.#stands)) * count - mean * mean);
    const error = Math.sqrt(variance / Math.max(count, 1));
    return {
      count,
      effectiveSampleSize: this.#squares === 0 ? 0 : (this.#sum * this.#sum) / this.#squares,
      mean,
      // Equal weights leave no spread to measure by: if they are not 1, no chance made them so.
      meanZ: mean === 1 ? 0 : (mean - 1) / error,
      max: this.#max,
      maxShare: this.#sum === 0 ? 0 : this.#largest / this.#sum,
      clippedShare: count === 0 ? 0 : this.#above / count,
      clippedWeight: this.#sum === 0 ? 0 : this.#lost / this.#sum,
    };
  }
}
