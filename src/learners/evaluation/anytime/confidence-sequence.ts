/**
 * Confidence intervals that hold all at once, at every sample size: P(there is an n at which the interval after n
 * observations misses the mean) ≤ α. They may be looked at as often as one likes, and stopped by at will.
 */
import { z } from 'zod';
import { invalidRequest } from '../../../kernel/errors.js';

const finite = z.number().refine(Number.isFinite, 'must be finite');

export const savedConfidenceSequenceSchema = z.strictObject({
  count: z.number().int().nonnegative(),
  /** Over observations scaled to [0, 1]: their sum, and the sum of squared distances from the running mean. */
  sum: finite,
  squares: finite,
  /** Sums of λ, of λ·x, and of the penalties (x − mean before)²·(−ln(1 − λ) − λ). */
  bets: finite,
  weighted: finite,
  penalty: finite,
  low: finite,
  high: finite,
});
export type SavedConfidenceSequence = z.infer<typeof savedConfidenceSequenceSchema>;

export interface ConfidenceSequenceOptions {
  /** Chance that the interval ever misses, (0, 1). */
  readonly alpha: number;
  /** Bounds of the observations; not of their mean alone. */
  readonly min: number;
  readonly max: number;
  /** Which bounds are wanted. One costs less than two; the other is then `min` or `max`. Both by default. */
  readonly side?: 'both' | 'lower' | 'upper';
}

/** No bet is larger: the penalty of one near 1 is without bound. */
const BET_MAX = 0.5;

/**
 * The predictable plug-in empirical Bernstein confidence sequence of Waudby-Smith & Ramdas (JRSS-B 2023, theorem 2), with
 * the running intersection: the interval never widens. It holds for any observations in [min, max] whose mean given the
 * past is constant; where that drifts, it covers their λ-weighted mean. Bounds on the mean of what varies little come
 * close to what its variance allows. O(1) in time and memory.
 */
export class ConfidenceSequence {
  readonly #min: number;
  readonly #span: number;
  readonly #side: 'both' | 'lower' | 'upper';
  /** ln(2/α), or ln(1/α) for one side. */
  readonly #budget: number;
  #state: SavedConfidenceSequence;

  /** Throws InvalidRequest `CONFIDENCE_ALPHA` or `CONFIDENCE_BOUNDS`. */
  constructor({ alpha, min, max, side = 'both' }: ConfidenceSequenceOptions, saved?: SavedConfidenceSequence) {
    if (!(alpha > 0 && alpha < 1))
      throw invalidRequest('CONFIDENCE_ALPHA', `alpha must be in (0, 1), not ${alpha}.`, 'alpha');
    if (!(max > min && Number.isFinite(max - min)))
      throw invalidRequest('CONFIDENCE_BOUNDS', `max must be above min, and both finite, not [${min}, ${max}].`, 'max');
    this.#min = min;
    this.#span = max - min;
    this.#side = side;
    this.#budget = Math.log((side === 'both' ? 2 : 1) / alpha);
    this.#state = saved ?? { count: 0, sum: 0, squares: 0, bets: 0, weighted: 0, penalty: 0, low: 0, high: 1 };
  }

  /** Throws InvalidRequest `OBSERVATION_RANGE` for what is not in [min, max]; then nothing has changed. */
  add(x: number): void {
    const scaled = (x - this.#min) / this.#span;
    if (!(scaled >= 0 && scaled <= 1))
      throw invalidRequest('OBSERVATION_RANGE', `${x} is not in [${this.#min}, ${this.#min + this.#span}].`, 'x');
    const state = this.#state;
    const n = state.count + 1;
    // Mean and variance before this one: a bet may not know what it is laid on.
    const before = (0.5 + state.sum) / n;
    const variance = (0.25 + state.squares) / n;
    const bet = Math.min(Math.sqrt((2 * this.#budget) / (variance * n * Math.log1p(n))), BET_MAX);
    const sum = state.sum + scaled;
    const bets = state.bets + bet;
    const weighted = state.weighted + bet * scaled;
    const penalty = state.penalty + (scaled - before) ** 2 * (-Math.log1p(-bet) - bet);
    const centre = weighted / bets;
    const radius = (this.#budget + penalty) / bets;
    const low = this.#side === 'upper' ? 0 : Math.max(state.low, centre - radius);
    const high = this.#side === 'lower' ? 1 : Math.min(state.high, centre + radius);
    const squares = state.squares + (scaled - (0.5 + sum) / (n + 1)) ** 2;
    this.#state = { count: n, sum, squares, bets, weighted, penalty, low, high };
  }

  get count(): number {
    return this.#state.count;
  }

  /** Plain mean of the observations; null before the first. */
  get mean(): number | null {
    const { count, sum } = this.#state;
    return count === 0 ? null : this.#min + (this.#span * sum) / count;
  }

  /**
   * [low, high], within [min, max]. Empty (low above high) only where the mean was not constant, or by the α of bad luck.
   */
  get interval(): readonly [low: number, high: number] {
    const { low, high } = this.#state;
    return [this.#min + this.#span * low, this.#min + this.#span * high];
  }

  save(): SavedConfidenceSequence {
    return { ...this.#state };
  }
}
