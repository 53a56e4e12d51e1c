/**
 * Estimators of a slate's whole reward. The weight of a choice is that of its conditional given the logged prefix, so
 * products of weights over a prefix are weights of prefixes. Self-normalised forms divide, position by position, by the
 * sum of weights instead of the number of decisions.
 */
import type { Estimator, Summands } from './estimators.js';
import { firstChoice, type Rounds } from './rounds.js';

/** Summands of the whole decision, ahead of those of each position. */
const enum W {
  n,
  whole,
  wholeReward,
  cascade,
  pseudoInverse,
  width,
}
const enum P {
  n,
  each,
  eachReward,
  prefix,
  prefixReward,
  width,
}

export function slateSummands(rounds: Rounds): Summands {
  const width = W.width + rounds.positions * P.width;
  const rows = new Float64Array(rounds.decisions * width);
  for (let d = 0; d < rounds.decisions; d++) {
    const at = d * width;
    const stands = rounds.stands[d]!;
    const [start, end] = [firstChoice(rounds, d), rounds.ends[d]!];
    let [prefix, sumOfWeights, cascade] = [1, 0, 0];
    for (let c = start; c < end; c++) {
      const w = rounds.weight[c]!;
      const r = rounds.reward[c]!;
      const position = at + W.width + rounds.position[c]! * P.width;
      if (rounds.model !== undefined) cascade += prefix * rounds.model.value[c]!;
      prefix *= w;
      sumOfWeights += w;
      // The model predicts the rewards from here on; those after this one come back in the next position's value.
      if (rounds.model !== undefined) cascade += prefix * (r - rounds.model.chosen[c]!);
      rows[position + P.n]! += stands;
      rows[position + P.each]! += stands * w;
      rows[position + P.eachReward]! += stands * w * r;
      rows[position + P.prefix]! += stands * prefix;
      rows[position + P.prefixReward]! += stands * prefix * r;
    }
    rows[at + W.n] = stands;
    rows[at + W.whole] = stands * prefix;
    rows[at + W.wholeReward] = stands * prefix * rounds.total[d]!;
    rows[at + W.cascade] = stands * cascade;
    rows[at + W.pseudoInverse] = stands * rounds.total[d]! * (sumOfWeights - (end - start) + 1);
  }
  return { width, rows };
}

/** Σ over positions of Σ w·r / n. */
const perPosition =
  (reward: number) =>
  (s: Float64Array): number => {
    let sum = 0;
    for (let at = W.width; at < s.length; at += P.width) sum += s[at + reward]!;
    return sum / s[W.n]!;
  };

/** Σ over positions of (share of decisions that have it) · Σ w·r / Σ w. */
const perPositionNormalised =
  (weight: number, reward: number) =>
  (s: Float64Array): number => {
    let sum = 0;
    for (let at = W.width; at < s.length; at += P.width)
      if (s[at + P.n]! > 0) sum += (s[at + P.n]! * s[at + reward]!) / s[at + weight]!;
    return sum / s[W.n]!;
  };

const WHOLE: readonly Estimator[] = [
  // The whole slate as one action.
  { name: 'SIPS', weights: 'whole', model: false, value: (s) => s[W.wholeReward]! / s[W.n]! },
  { name: 'SNSIPS', weights: 'whole', model: false, value: (s) => s[W.wholeReward]! / s[W.whole]! },
];

/** For slates whose positions have rewards of their own. */
export const LIST_ESTIMATORS: readonly Estimator[] = [
  ...WHOLE,
  // A position's reward depends on its own item only (Li, Abbasi-Yadkori, Kveton et al. 2018).
  { name: 'IIPS', weights: 'each', model: false, value: perPosition(P.eachReward) },
  { name: 'SNIIPS', weights: 'each', model: false, value: perPositionNormalised(P.each, P.eachReward) },
  // … on its own item and those above it (McInerney, Brost, Chandar et al. 2020).
  { name: 'RIPS', weights: 'prefix', model: false, value: perPosition(P.prefixReward) },
  { name: 'SNRIPS', weights: 'prefix', model: false, value: perPositionNormalised(P.prefix, P.prefixReward) },
  // Kiyohara, Saito, Matsuhiro et al. 2022.
  { name: 'cascade-DR', weights: 'prefix', model: true, value: (s) => s[W.cascade]! / s[W.n]! },
];

/** For slates of which only the whole has a reward. */
export const WHOLE_ESTIMATORS: readonly Estimator[] = [
  ...WHOLE,
  // The reward is a sum over slots that are filled independently (Swaminathan, Krishnamurthy, Agarwal et al. 2017).
  { name: 'pseudo-inverse', weights: 'each', model: false, value: (s) => s[W.pseudoInverse]! / s[W.n]! },
];
