/** Ridge and logistic regression on sparse rows, by hand. */
import { solveInPlace } from './cholesky.js';
import { CONSTANT, type SparseRow } from './encoder.js';
import type { SparseRows } from './sparse-rows.js';

export type RewardModelKind = 'ridge' | 'logistic';

/** Predicts a reward from the parts of a row. */
export interface RewardModel {
  /** The part's share of the linear predictor; shares add up. */
  share(part: SparseRow): number;
  /** The reward at a sum of shares. The constant is added here. */
  reward(shares: number): number;
}

/** Penalty on the squares of all coefficients but the constant's, of columns scaled to a root mean square of 1. */
const PENALTY = 1;
/** The Newton steps of a logistic fit; it has converged when no coefficient moves by more than the tolerance. */
const NEWTON_STEPS_MAX = 25;
const NEWTON_TOLERANCE = 1e-8;
/** Beyond it a probability is 0 or 1 in double precision. */
const LOGIT_MAX = 36;

export interface FitInput {
  readonly rows: SparseRows;
  readonly columns: number;
  readonly rewards: Float64Array;
  readonly weights: Float64Array;
  /** Rows to learn from. */
  readonly includes: (row: number) => boolean;
}

/** Undefined where the numbers give no fit: too large to add up, or nothing to learn from. */
export function fitRewardModel(kind: RewardModelKind, input: FitInput): RewardModel | undefined {
  const scale = scalesOf(input);
  const coefficients = kind === 'ridge' ? newtonStep(input, scale, undefined) : fitLogistic(input, scale);
  if (coefficients === undefined || !coefficients.every(Number.isFinite)) return undefined;
  for (let c = 0; c < coefficients.length; c++) coefficients[c]! *= scale[c]!;
  const constant = coefficients[CONSTANT]!;
  return {
    share({ columns, values }) {
      let sum = 0;
      for (let i = 0; i < columns.length; i++) sum += coefficients[columns[i]!]! * values[i]!;
      return sum;
    },
    reward: (shares) => (kind === 'ridge' ? constant + shares : logistic(constant + shares)),
  };
}

function fitLogistic(input: FitInput, scale: Float64Array): Float64Array | undefined {
  let at: Float64Array | undefined = new Float64Array(input.columns);
  for (let step = 0; step < NEWTON_STEPS_MAX; step++) {
    const next = newtonStep(input, scale, at);
    if (next === undefined) return undefined;
    let moved = 0;
    for (let c = 0; c < next.length; c++) moved = Math.max(moved, Math.abs(next[c]! - at[c]!));
    at = next;
    if (moved < NEWTON_TOLERANCE) break;
  }
  return at;
}

/**
 * One step of iteratively reweighted least squares from `at`; with no `at`, the exact solution of the ridge regression.
 * Columns that no included row has keep a coefficient of 0.
 */
function newtonStep(
  { rows, columns: n, rewards, weights, includes }: FitInput,
  scale: Float64Array,
  at: Float64Array | undefined,
): Float64Array | undefined {
  const hessian = new Float64Array(n * n);
  const gradient = new Float64Array(n);
  const { columns, values } = rows;
  for (let row = 0; row < rows.rows; row++) {
    if (!includes(row)) continue;
    const [start, end] = [rows.start(row), rows.end(row)];
    let linear = 0;
    if (at !== undefined)
      for (let i = start; i < end; i++) linear += at[columns[i]!]! * values[i]! * scale[columns[i]!]!;
    const mean = at === undefined ? 0 : logistic(linear);
    const curvature = weights[row]! * (at === undefined ? 1 : Math.max(mean * (1 - mean), 1e-10));
    const residual = weights[row]! * (rewards[row]! - mean);
    for (let i = start; i < end; i++) {
      const ci = columns[i]!;
      const xi = values[i]! * scale[ci]!;
      // The working response curvature·linear + residual makes the solution the new point and not the step to it.
      gradient[ci]! += xi * (curvature * linear + residual);
      for (let j = start; j < end; j++)
        hessian[ci * n + columns[j]!]! += curvature * xi * values[j]! * scale[columns[j]!]!;
    }
  }
  if (hessian[CONSTANT] === 0) return undefined;
  for (let c = 0; c < n; c++) if (c !== CONSTANT) hessian[c * n + c]! += PENALTY;
  return solveInPlace(hessian, gradient, n) ? gradient : undefined;
}

/** One over each column's root mean square, over the rows where it is not zero; 1 for the constant. */
function scalesOf({ rows, columns: n }: FitInput): Float64Array {
  const squares = new Float64Array(n);
  const counts = new Float64Array(n);
  const used = rows.rows === 0 ? 0 : rows.end(rows.rows - 1);
  for (let i = 0; i < used; i++) {
    squares[rows.columns[i]!]! += rows.values[i]! ** 2;
    counts[rows.columns[i]!]! += 1;
  }
  return squares.map((square, c) => (square > 0 ? 1 / Math.sqrt(square / counts[c]!) : 1));
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-Math.max(-LOGIT_MAX, Math.min(LOGIT_MAX, x))));
