/**
 * Estimators for one choice a decision. Each is a function of sums over decisions, so that one table of summands gives
 * every estimate, every bootstrap resample and every jackknife value.
 */
import type { Rounds } from './rounds.js';

/** Summands, one row a decision. */
export interface Summands {
  readonly width: number;
  readonly rows: Float64Array;
}

export type EstimatorName = SingleName | SlateName;
export type SingleName = 'IPS' | 'SNIPS' | 'clipped IPS' | 'Cressie-Read' | 'DM' | 'DR' | 'SNDR' | 'Switch-DR' | 'DRos';
export type SlateName = 'SIPS' | 'SNSIPS' | 'IIPS' | 'SNIIPS' | 'RIPS' | 'SNRIPS' | 'cascade-DR' | 'pseudo-inverse';

/** Which products of weights an estimator leans on. */
export type WeightKind = 'choice' | 'whole' | 'each' | 'prefix' | 'none';

export interface Estimator {
  readonly name: EstimatorName;
  readonly weights: WeightKind;
  /** Whether a reward model's predictions go into it. */
  readonly model: boolean;
  /** Share of synthetic logs whose truth a bootstrap interval of a nominal 95 % held (bench/learning/ope.ts), where measured. */
  readonly coverage?: number;
  /** NaN where the sums allow no estimate. */
  value(sums: Float64Array): number;
}

/** Thresholds of the estimators that have one. */
export interface Thresholds {
  /** Largest weight of clipped IPS. */
  readonly clip: number;
  /** Switch-DR trusts the model alone where a weight is above τ. */
  readonly tau: number;
  /** Shrinkage of DRos: weights become λw/(w² + λ). */
  readonly lambda: number;
}

const enum S {
  n,
  r,
  w,
  ww,
  wr,
  wwr,
  clipped,
  value,
  residual,
  switched,
  shrunk,
  width,
}

/** `rounds` must have exactly one choice a decision. */
export function singleSummands(rounds: Rounds, { clip, tau, lambda }: Thresholds): Summands {
  const rows = new Float64Array(rounds.decisions * S.width);
  for (let d = 0; d < rounds.decisions; d++) {
    const at = d * S.width;
    const stands = rounds.stands[d]!;
    const w = rounds.weight[d]!;
    const r = rounds.reward[d]!;
    rows[at + S.n] = stands;
    rows[at + S.r] = stands * r;
    rows[at + S.w] = stands * w;
    rows[at + S.ww] = stands * w * w;
    rows[at + S.wr] = stands * w * r;
    rows[at + S.wwr] = stands * w * w * r;
    rows[at + S.clipped] = stands * Math.min(w, clip) * r;
    if (rounds.model === undefined) continue;
    const residual = r - rounds.model.chosen[d]!;
    rows[at + S.value] = stands * rounds.model.value[d]!;
    rows[at + S.residual] = stands * w * residual;
    rows[at + S.switched] = w <= tau ? stands * w * residual : 0;
    rows[at + S.shrunk] = stands * shrunken(w, lambda) * residual;
  }
  return { width: S.width, rows };
}

/** λw/(w² + λ): w where λ is infinite, 0 where it is 0 (Su et al. 2020, eq. 9). */
export const shrunken = (w: number, lambda: number): number =>
  lambda === Infinity || w === 0 ? w : (lambda * w) / (w * w + lambda);

export const SINGLE_ESTIMATORS: readonly Estimator[] = [
  // Horvitz and Thompson 1952: Σ w·r / n.
  { name: 'IPS', weights: 'choice', model: false, coverage: 0.953, value: (s) => s[S.wr]! / s[S.n]! },
  // Hájek; Swaminathan and Joachims 2015: Σ w·r / Σ w.
  { name: 'SNIPS', weights: 'choice', model: false, coverage: 0.933, value: (s) => s[S.wr]! / s[S.w]! },
  // Ionides 2008: Σ min(w, M)·r / n. Too low, by a bias that is reported nowhere; the anytime interval is made of it.
  { name: 'clipped IPS', weights: 'choice', model: false, value: (s) => s[S.clipped]! / s[S.n]! },
  { name: 'Cressie-Read', weights: 'choice', model: false, value: cressieRead },
  // The reward model alone: Σ_a π(a|x)·q̂(x, a).
  { name: 'DM', weights: 'none', model: true, value: (s) => s[S.value]! / s[S.n]! },
  // Dudík, Langford and Li 2011.
  {
    name: 'DR',
    weights: 'choice',
    model: true,
    coverage: 0.93,
    value: (s) => (s[S.value]! + s[S.residual]!) / s[S.n]!,
  },
  // The correction self-normalised: Thomas and Brunskill 2016.
  {
    name: 'SNDR',
    weights: 'choice',
    model: true,
    coverage: 0.925,
    value: (s) => s[S.value]! / s[S.n]! + s[S.residual]! / s[S.w]!,
  },
  // Wang, Agarwal and Dudík 2017.
  {
    name: 'Switch-DR',
    weights: 'choice',
    model: true,
    coverage: 0.925,
    value: (s) => (s[S.value]! + s[S.switched]!) / s[S.n]!,
  },
  // Su, Dimakopoulou, Krishnamurthy and Dudík 2020.
  {
    name: 'DRos',
    weights: 'choice',
    model: true,
    coverage: 0.918,
    value: (s) => (s[S.value]! + s[S.shrunk]!) / s[S.n]!,
  },
];

/**
 * Empirical likelihood with the Cressie-Read divergence of power −2, for weights in [0, ∞) (Karampatziakis, Langford and
 * Mineiro 2020). What mass of weight the log lacks is given the plain mean reward. Equal to VowpalWabbit/estimators.
 */
function cressieRead(s: Float64Array): number {
  const [n, w, ww, wr, wwr] = [s[S.n]!, s[S.w]!, s[S.ww]!, s[S.wr]!, s[S.wwr]!];
  let gamma = -(1 + n) / n;
  let beta = 0;
  if (w >= n) {
    // One more weight, as small as weights can be, draws their mean to 1.
    const mean = w / (1 + n);
    const square = ww / (1 + n);
    const spread = mean * mean - square;
    if (spread < 0) {
      gamma = (square - mean) / spread;
      beta = (1 - mean) / spread;
    }
  }
  const missing = Math.max(0, 1 - (-gamma * w - beta * ww) / (1 + n));
  return (-gamma * wr - beta * wwr) / (1 + n) + (missing * s[S.r]!) / n;
}

/** Column sums. */
export function totals({ width, rows }: Summands): Float64Array {
  const sums = new Float64Array(width);
  for (let at = 0; at < rows.length; at += width) for (let c = 0; c < width; c++) sums[c]! += rows[at + c]!;
  return sums;
}

/** Whether every decision has exactly one choice. */
export const isSingle = (rounds: Rounds): boolean => rounds.weight.length === rounds.decisions;
