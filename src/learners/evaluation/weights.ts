/** What the weights say of an estimate before it is made: how much of the log speaks for the target at all. */
import type { WeightKind } from './estimators.js';
import { firstChoice, type Rounds } from './rounds.js';

export interface WeightDiagnostics {
  /** Weights that went in. */
  readonly count: number;
  /** (Σ w)² / Σ w² (Kish 1965): as many equal weights would know as much. */
  readonly effectiveSampleSize: number;
  /** Mean weight: 1 up to chance, if the propensities are right and the log could have chosen all that the target does. */
  readonly mean: number;
  /** How many standard errors the mean is from 1. */
  readonly meanZ: number;
  readonly max: number;
  /** The largest weight's share of all. */
  readonly maxShare: number;
  /** Share of weights above the clip, and of all weight that clipping takes away. */
  readonly clippedShare: number;
  readonly clippedWeight: number;
}

/**
 * Where there are several positions, those of the position whose weights are the least even; the effective sample size is
 * then its share of the decisions, as if all of them had that position.
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
  const shareOf = ({ effectiveSampleSize, count }: WeightDiagnostics): number => effectiveSampleSize / count;
  const worst = used.reduce((x, y) => (shareOf(y) < shareOf(x) ? y : x));
  return { ...worst, count: rounds.decisions, effectiveSampleSize: shareOf(worst) * rounds.decisions };
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
      meanZ: error === 0 ? 0 : (mean - 1) / error,
      max: this.#max,
      maxShare: this.#sum === 0 ? 0 : this.#largest / this.#sum,
      clippedShare: count === 0 ? 0 : this.#above / count,
      clippedWeight: this.#sum === 0 ? 0 : this.#lost / this.#sum,
    };
  }
}
