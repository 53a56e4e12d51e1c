/** Draws from a uniform generator. */
import type { Random } from '../kernel/random.js';

export const between = (random: Random, low: number, high: number): number => low + (high - low) * random.next();

export const chance = (random: Random, probability: number): boolean => random.next() < probability;

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new Error('Nothing to pick from.');
  return item;
}

/** Index i with probability weights[i] / sum. Weights are not negative, and one of them is positive. */
export function pickWeighted(random: Random, weights: readonly number[]): number {
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return weights.findLastIndex((weight) => weight > 0);
}
