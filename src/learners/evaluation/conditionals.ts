/** Choices of a slate, conditional on those before: the arithmetic of src/policies/sampling.ts without the sampling. */
import { REMAINING_MIN, REMAINING_MIN_FLOORED } from '../../policies/sampling.js';

/**
 * Probabilities of the remaining candidates, in the order of `remaining`: (1 − floor)·b_i/Σ_S b + floor/|S|, where b is the
 * distribution without its floor. `reask` gives the policy's distribution over the remaining alone; it is asked where
 * too little of the first one is left. Undefined where there is nothing left to ask.
 */
export function conditionalsOf(
  distribution: readonly number[],
  floor: number,
  remaining: readonly number[],
  reask?: (indices: readonly number[]) => readonly number[],
): readonly number[] | undefined {
  const without = (p: number, count: number): number => (floor > 0 ? Math.max(0, p - floor / count) : p);
  let base = remaining.map((index) => without(distribution[index]!, distribution.length));
  let mass = sum(base);
  if (mass < (floor > 0 ? REMAINING_MIN_FLOORED : REMAINING_MIN)) {
    if (reask === undefined) return undefined;
    base = reask(remaining).map((p) => without(p, remaining.length));
    mass = sum(base);
    if (!(mass > 0)) return undefined;
  }
  return base.map((b) => ((1 - floor) * b) / mass + floor / base.length);
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
