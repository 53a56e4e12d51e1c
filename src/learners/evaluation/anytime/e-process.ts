/**
 * A test by betting that may be looked at after every observation. One starts with 1 and bets on "the mean is above 0"; if
 * it is not, nobody gets rich: the capital is a non-negative supermartingale, so that the chance of it ever reaching
 * 1/α is at most α (Ville 1939), however often one looks and whenever one stops. Waudby-Smith & Ramdas, "Estimating means
 * of bounded random variables by betting", JRSS-B 2023; the mixture over fixed bets is their section 4 with a finite grid.
 */
import { z } from 'zod';
import { invalidRequest } from '../../../kernel/errors.js';

/** Shares of the capital that are put at risk, one account each: halves, from a bold one to a millionth. */
const SHARES: readonly number[] = Array.from({ length: 20 }, (_, j) => 0.95 * 2 ** -j);

/** Capitals are brought back to the size of 1 before they leave the range of numbers, and no step is larger than this. */
const RESCALE = 1e100;

const finite = z.number().refine(Number.isFinite, 'must be finite');

export const savedEProcessSchema = z.strictObject({
  count: z.number().int().nonnegative(),
  /** Capital in each account, in units of exp(logScale) times what it began with. */
  capital: z.array(finite).length(SHARES.length),
  logScale: finite,
  /** Natural logarithm of the largest e-value there ever was. */
  logMax: finite,
});
export type SavedEProcess = z.infer<typeof savedEProcessSchema>;

/**
 * Tests "given the past, no observation's mean is above 0" for observations that are never below −`lossMax`; above, they
 * may be as large as they like. O(1) in time and memory.
 */
export class EProcess {
  readonly #lossMax: number;
  readonly #capital: number[];
  #logScale: number;
  #count: number;
  #logMax: number;

  /** Throws InvalidRequest `E_PROCESS_LOSS` unless `lossMax` is a positive number. */
  constructor(lossMax: number, saved?: SavedEProcess) {
    if (!(lossMax > 0 && lossMax < Infinity))
      throw invalidRequest('E_PROCESS_LOSS', `The largest loss must be a positive number, not ${lossMax}.`, 'lossMax');
    this.#lossMax = lossMax;
    this.#capital = saved === undefined ? SHARES.map(() => 1) : [...saved.capital];
    this.#logScale = saved?.logScale ?? 0;
    this.#count = saved?.count ?? 0;
    this.#logMax = saved?.logMax ?? 0;
  }

  /** Throws InvalidRequest `OBSERVATION_RANGE` for what is not in [−1, 1e100]·lossMax; then nothing has changed. */
  add(x: number): void {
    const stake = x / this.#lossMax;
    if (!(stake >= -1 && stake <= RESCALE))
      throw invalidRequest('OBSERVATION_RANGE', `${x} is not in [${-this.#lossMax}, ${RESCALE * this.#lossMax}].`, 'x');
    let top = 0;
    for (let j = 0; j < SHARES.length; j++) {
      const capital = this.#capital[j]! * (1 + SHARES[j]! * stake);
      this.#capital[j] = capital;
      if (capital > top) top = capital;
    }
    this.#count++;
    if (top > RESCALE || top < 1 / RESCALE) this.#rescale(top);
    this.#logMax = Math.max(this.#logMax, this.logValue);
  }

  get count(): number {
    return this.#count;
  }

  /** ln of the e-value: the mean capital over the accounts. */
  get logValue(): number {
    let sum = 0;
    for (const capital of this.#capital) sum += capital;
    return this.#logScale + Math.log(sum / SHARES.length);
  }

  /** ln of the largest e-value so far: evidence that once was there does not go away. */
  get logMax(): number {
    return this.#logMax;
  }

  /** Valid at any time: the smallest level at which this would have been rejected by now. */
  get pValue(): number {
    return Math.min(1, Math.exp(-this.#logMax));
  }

  /** Whether the mean is above 0, at level `alpha`. */
  rejects(alpha: number): boolean {
    return this.#logMax >= -Math.log(alpha);
  }

  save(): SavedEProcess {
    return {
      count: this.#count,
      capital: [...this.#capital],
      logScale: this.#logScale,
      logMax: this.#logMax,
    };
  }

  /** An account that falls out of the range of numbers beside the richest one is as good as empty, and stays so. */
  #rescale(top: number): void {
    for (let j = 0; j < SHARES.length; j++) this.#capital[j]! /= top;
    this.#logScale += Math.log(top);
  }
}
