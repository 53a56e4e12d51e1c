/** What the city knows and the engine has to find out: probabilities, and the expected reward of any slate. */
import type { Rider } from './people.js';
import { metresBetween, type PickupPoint, type Place } from './zones.js';

/** Riders read a slate from the top; after each item that does not please them they read on with this probability. */
export const READ_ON = 0.4;

/** The even-tempered rider's utility of a point of no particular ease at no distance. */
const BASE_UTILITY = 0.3;

/** p(rider accepts the point | reads it): logistic in the point's ease and the way to it. */
export function pointAcceptance(rider: Rider, point: PickupPoint, pin: Place): number {
  const walk = (rider.walkAversion * metresBetween(point, pin)) / 100;
  return 1 / (1 + Math.exp(-(BASE_UTILITY + point.ease - walk)));
}

/**
 * Expected reward of a slate whose items are accepted with these probabilities, top first: the probability that any is,
 * in a cascade with READ_ON (Craswell et al. 2008, with abandonment).
 */
export function slateReward(acceptance: readonly number[]): number {
  let [reward, reads] = [0, 1];
  for (const p of acceptance) {
    reward += reads * p;
    reads *= (1 - p) * READ_ON;
  }
  return reward;
}

/** The best slate of k: the likeliest first, as swapping any two neighbours shows. */
export const bestReward = (acceptance: readonly number[], k: number): number =>
  slateReward([...acceptance].sort((a, b) => b - a).slice(0, k));

/** What one decision was worth in expectation, what it could have been, and what the fallback would have made of it. */
export interface ExpectedReward {
  readonly served: number;
  readonly best: number;
  readonly baseline: number;
}
