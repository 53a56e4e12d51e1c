/**
 * Bootstrap intervals (Efron 1987): percentile, and BCa, which corrects for bias and for a spread that changes with the
 * value. Decisions are resampled, in blocks of neighbours where there are many: every estimator is a function of sums, so
 * a block is one row.
 */
import normalCdf from '@stdlib/stats-base-dists-normal-cdf';
import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';
import { seededRandom } from '../../kernel/random.js';
import { totals, type Estimator, type Summands } from './estimators.js';

/** More rows than these are joined into blocks; their number changes an interval by less than resampling does. */
export const BLOCKS_MAX = 2000;

export type IntervalMethod = 'bca' | 'percentile';

export interface BootstrapOptions {
  readonly method: IntervalMethod;
  /** Of the interval, as in 0.95. */
  readonly level: number;
  readonly resamples: number;
  readonly seed: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** One interval for each estimator; undefined where resamples mostly gave none. All see the same resamples. */
export function bootstrapIntervals(
  summands: Summands,
  estimators: readonly Estimator[],
  { method, level, resamples, seed }: BootstrapOptions,
): readonly (Interval | undefined)[] {
  const blocks = blocksOf(summands);
  const { width, rows } = blocks;
  const count = rows.length / width;
  const random = seededRandom(seed);
  const draws = estimators.map(() => new Float64Array(resamples));
  const sums = new Float64Array(width);
  for (let b = 0; b < resamples; b++) {
    sums.fill(0);
    for (let i = 0; i < count; i++) {
      const at = Math.floor(random.next() * count) * width;
      for (let c = 0; c < width; c++) sums[c]! += rows[at + c]!;
    }
    for (let e = 0; e < estimators.length; e++) draws[e]![b] = estimators[e]!.value(sums);
  }
  const all = totals(blocks);
  return estimators.map((estimator, e) => {
    const sorted = draws[e]!.filter(Number.isFinite).sort();
    if (sorted.length < resamples / 2) return undefined;
    const tail = (1 - level) / 2;
    const ends = method === 'bca' ? bcaEnds(estimator, blocks, all, sorted, tail) : undefined;
    const [low, high] = ends ?? [tail, 1 - tail];
    return { low: quantile(sorted, low), high: quantile(sorted, high) };
  });
}

/** Where in the sorted resamples the interval ends; undefined where BCa has no answer, and percentile must do. */
function bcaEnds(
  estimator: Estimator,
  { width, rows }: Summands,
  all: Float64Array,
  sorted: Float64Array,
  tail: number,
): [number, number] | undefined {
  const estimate = estimator.value(all);
  let below = 0;
  for (const value of sorted) below += value < estimate ? 1 : value === estimate ? 0.5 : 0;
  const z0 = normalQuantile(below / sorted.length, 0, 1);
  if (!Number.isFinite(z0)) return undefined;
  const count = rows.length / width;
  const without = new Float64Array(width);
  const left = new Float64Array(count);
  let mean = 0;
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < width; c++) without[c] = all[c]! - rows[i * width + c]!;
    left[i] = estimator.value(without);
    mean += left[i]! / count;
  }
  let [squares, cubes] = [0, 0];
  for (const value of left) {
    squares += (mean - value) ** 2;
    cubes += (mean - value) ** 3;
  }
  const acceleration = cubes / (6 * squares ** 1.5);
  if (!Number.isFinite(acceleration)) return undefined;
  const end = (z: number): number => normalCdf(z0 + (z0 + z) / (1 - acceleration * (z0 + z)), 0, 1);
  const z = normalQuantile(1 - tail, 0, 1);
  // Beyond 1/acceleration the correction turns over.
  if (acceleration * (z0 + z) >= 1 || acceleration * (z0 - z) >= 1) return undefined;
  return [end(-z), end(z)];
}

/** Joins neighbouring rows so that at most BLOCKS_MAX are left, of the same size but for the last ones. */
function blocksOf({ width, rows }: Summands): Summands {
  const count = rows.length / width;
  if (count <= BLOCKS_MAX) return { width, rows };
  const joined = new Float64Array(BLOCKS_MAX * width);
  for (let i = 0; i < count; i++) {
    const block = Math.floor((i * BLOCKS_MAX) / count);
    for (let c = 0; c < width; c++) joined[block * width + c]! += rows[i * width + c]!;
  }
  return { width, rows: joined };
}

function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const [below, above] = [Math.floor(at), Math.ceil(at)];
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
