/** What is known of an arm that pays real numbers, and how two bodies of evidence become one. */
import { z } from 'zod';
import type { NumberBounds } from '../evidence-rows.js';

/** Rewards are clamped to ± this by learners, so that no sum of squares overflows. */
export const REWARD_MAX = 1e9;

/**
 * [n, mean, m2]: trials (a fraction where some were forgotten), mean reward, and the sum of squared differences from that
 * mean, weighted like the trials.
 */
export type Statistics = [trials: number, mean: number, squares: number];

export const STATISTICS_BOUNDS = [
  { min: 0, max: 1e15 },
  // A mean lies within the rewards, but for rounding.
  { min: -2 * REWARD_MAX, max: 2 * REWARD_MAX },
  { min: 0, max: 1e36 },
] as const satisfies readonly NumberBounds[];

const [trials, mean, squares] = STATISTICS_BOUNDS.map(({ min, max }) => z.number().min(min).max(max));
export const statisticsSchema = z.tuple([trials!, mean!, squares!]);

export const NO_STATISTICS: Readonly<Statistics> = [0, 0, 0];

/** Below this share of the whole, what is left after a subtraction is rounding. */
const REMAINDER_MIN = 1e-9;

/** `whole` without the part of it that is `part`; nothing where `part` is as large. Inverse of `merged`. */
export function without(whole: Readonly<Statistics>, part: Readonly<Statistics>): Statistics {
  const n = whole[0] - part[0];
  if (!(n > REMAINDER_MIN * whole[0])) return [0, 0, 0];
  const mean = whole[1] + (part[0] / n) * (whole[1] - part[1]);
  const between = ((n * part[0]) / whole[0]) * (mean - part[1]) ** 2;
  return [n, mean, Math.max(0, whole[2] - part[2] - between)];
}

/** Both bodies of evidence as one, `share` in [0, 1] of the first (Chan, Golub and LeVeque 1983). */
export function merged(first: Readonly<Statistics>, share: number, second: Readonly<Statistics>): Statistics {
  const weight = share * first[0];
  const n = weight + second[0];
  if (n === 0) return [0, 0, 0];
  const apart = second[1] - first[1];
  return [
    n,
    first[1] + (apart * second[0]) / n,
    share * first[2] + second[2] + (apart * apart * weight * second[0]) / n,
  ];
}

/**
 * What a segment believes of an arm: all it has seen itself, and of what the others have seen as much as weighs at most
 * `priorWeight` trials. This is the power prior of Ibrahim and Chen (Statistical Science 2000), whose discount is
 * a₀ = min(1, priorWeight / n_others). What the segment itself has added to the whole is taken out of it first, so that
 * nothing counts twice.
 */
export function pooled(whole: Readonly<Statistics>, own: Readonly<Statistics>, priorWeight: number): Statistics {
  const others = own[0] === 0 ? whole : without(whole, own);
  return merged(others, others[0] > priorWeight ? priorWeight / others[0] : 1, own);
}
