/**
 * The probability that each of several independent Gaussians is the largest:
 * P(i wins) = ∫ Π_j F_j(t) · f_i(t)/F_i(t) dt, where the product is the same for all i, so that a node costs O(n).
 *
 * Fixed rule: cells go downwards from above all arms, each as long as the narrowest arm that lives there allows, with
 * Gauss–Legendre nodes in each, until so little of the largest one's distribution remains that nobody could tell.
 */
import { EngineError } from '../../kernel/errors.js';

/** An arm reaches from −REACH to REACH standard deviations around its mean; 1e-8 of it lies outside. */
const REACH = 5.75;
/** Cells end where the largest arm is below with this probability only. */
const REMAINDER = 1e-9;
/** Length of a cell in standard deviations of the narrowest arm in it. */
const CELL = 1.5;
/** A cell of which the narrowest arm is far above may be longer, by this much for each deviation past TAIL_FROM. */
const TAIL_FROM = 2.5;
const TAIL_STRETCH = 0.4;
/** More cells than this are not computed; they are made longer instead. */
const CELLS_MAX = 512;
/** Arms narrower than this share of the largest mean or deviation are taken to be that wide, so that equal arms tie. */
const RELATIVE_MIN = 1e-12;
/** Where all is 0: large enough to divide by. */
const LARGEST_MIN = 1e-200;
const LARGEST_MAX = 1e200;

/** Four-point Gauss–Legendre on [0, 1]. */
const INNER = Math.sqrt(3 / 7 - (2 / 7) * Math.sqrt(6 / 5));
const OUTER = Math.sqrt(3 / 7 + (2 / 7) * Math.sqrt(6 / 5));
const NODES = [(1 - OUTER) / 2, (1 - INNER) / 2, (1 + INNER) / 2, (1 + OUTER) / 2] as const;
const WEIGHTS = [18 - Math.sqrt(30), 18 + Math.sqrt(30), 18 + Math.sqrt(30), 18 - Math.sqrt(30)].map((w) => w / 72);

/** Φ and φ are tabulated at multiples of 1/STEPS from −TABLE_REACH to TABLE_REACH. */
const TABLE_REACH = 9;
const STEPS = 64;
const TABLE = tabulated();

/**
 * Computes choice probabilities of up to any number of arms; keeps its working memory from call to call, so it is not to
 * be shared by callers that interleave.
 */
export class GaussianChoice {
  #order = new Int32Array(0);
  #tops = new Float64Array(0);
  #deviations = new Float64Array(0);
  #shares = new Float64Array(0);
  #hazards = new Float64Array(0);
  #inverse = new Float64Array(0);

  /**
   * `means` and `deviations` (at least 0) of the first `count` arms, all finite. Gives probabilities in their order, which
   * sum to 1 within rounding; arms that win less often than about 1e-9 have 0. Throws Invariant `POLICY_DISTRIBUTION` for
   * numbers that are not finite.
   */
  probabilities(means: Float64Array, deviations: Float64Array, count: number): number[] {
    if (count === 1) return [1];
    this.#prepare(means, deviations, count);
    for (let cell = CELL; ; cell *= 2) if (this.#integrate(means, count, cell)) break;
    let total = 0;
    for (let i = 0; i < count; i++) total += this.#shares[i]!;
    const result = new Array<number>(count);
    for (let i = 0; i < count; i++) result[i] = this.#shares[i]! / total;
    return result;
  }

  #prepare(means: Float64Array, deviations: Float64Array, count: number): void {
    if (this.#tops.length < count) {
      this.#order = new Int32Array(count);
      this.#tops = new Float64Array(count);
      this.#deviations = new Float64Array(count);
      this.#shares = new Float64Array(count);
      this.#hazards = new Float64Array(count);
      this.#inverse = new Float64Array(count);
    }
    let largest = LARGEST_MIN;
    for (let i = 0; i < count; i++) largest = Math.max(largest, Math.abs(means[i]!), deviations[i]!);
    // Cells would never come to an end. Written so that NaN fails it too.
    if (!(largest <= LARGEST_MAX))
      throw new EngineError('Invariant', 'POLICY_DISTRIBUTION', 'A policy has scores that are not finite.');
    for (let i = 0; i < count; i++) {
      const deviation = Math.max(deviations[i]!, largest * RELATIVE_MIN);
      this.#deviations[i] = deviation;
      this.#inverse[i] = 1 / deviation;
      this.#tops[i] = means[i]! + REACH * deviation;
      this.#order[i] = i;
    }
    // By their tops, highest first: few are out of place from one decision to the next, and there are few of them.
    const order = this.#order;
    const tops = this.#tops;
    for (let k = 1; k < count; k++) {
      const arm = order[k]!;
      let at = k;
      for (; at > 0 && tops[order[at - 1]!]! < tops[arm]!; at--) order[at] = order[at - 1]!;
      order[at] = arm;
    }
  }

  /** False where it takes more cells than there may be. */
  #integrate(means: Float64Array, count: number, cell: number): boolean {
    const order = this.#order;
    const tops = this.#tops;
    const shares = this.#shares;
    shares.fill(0, 0, count);
    let active = 1;
    let top = tops[order[0]!]!;
    for (let cells = 0; ; cells++) {
      if (cells === CELLS_MAX) return false;
      let length = Infinity;
      for (let k = 0; k < active; k++) {
        const i = order[k]!;
        length = Math.min(length, this.#cellOf(i, (top - means[i]!) * this.#inverse[i]!, cell));
      }
      // Arms that begin within the cell take part in it, or it ends where they begin.
      for (; active < count; active++) {
        const i = order[active]!;
        if (tops[i]! <= top - length) break;
        length = Math.min(length, Math.max(this.#cellOf(i, REACH, cell), top - tops[i]!));
      }
      if (this.#addCell(means, active, top - length, length) < REMAINDER) return true;
      top -= length;
    }
  }

  #cellOf(arm: number, deviationsAbove: number, cell: number): number {
    const stretch = deviationsAbove > TAIL_FROM ? 1 + TAIL_STRETCH * (deviationsAbove - TAIL_FROM) : 1;
    return cell * stretch * this.#deviations[arm]!;
  }

  /** Adds the cell's part to each arm's share; gives the probability that all are below its lowest node. */
  #addCell(means: Float64Array, active: number, from: number, length: number): number {
    const order = this.#order;
    const inverse = this.#inverse;
    const hazards = this.#hazards;
    const shares = this.#shares;
    let lowest = 0;
    for (let node = NODES.length - 1; node >= 0; node--) {
      const t = from + length * NODES[node]!;
      let all = 1;
      for (let k = 0; k < active; k++) {
        const i = order[k]!;
        const u = (t - means[i]!) * inverse[i]!;
        if (u >= TABLE_REACH) {
          hazards[k] = 0;
          continue;
        }
        if (u <= -TABLE_REACH) return 0;
        // Cubic Hermite on Φ and on φ, whose derivatives are φ and −uφ; off by less than 1e-9 of either.
        const place = (u + TABLE_REACH) * STEPS;
        const index = Math.floor(place);
        const s = place - index;
        const at = 2 * index;
        const left = (index / STEPS - TABLE_REACH) * (1 / STEPS);
        const right = left + 1 / (STEPS * STEPS);
        const [c0, f0, c1, f1] = [TABLE[at]!, TABLE[at + 1]!, TABLE[at + 2]!, TABLE[at + 3]!];
        const r = s * s * (3 - 2 * s);
        const d0 = s * (1 - s) * (1 - s);
        const d1 = s * s * (s - 1);
        const below = c0 + r * (c1 - c0) + (d0 * f0 + d1 * f1) / STEPS;
        const density = f0 + r * (f1 - f0) - (d0 * left * f0 + d1 * right * f1);
        all *= below;
        hazards[k] = (density / below) * inverse[i]!;
      }
      lowest = all;
      const weight = WEIGHTS[node]! * length * all;
      for (let k = 0; k < active; k++) shares[order[k]!]! += weight * hazards[k]!;
    }
    return lowest;
  }
}

/** [Φ, φ] in turn. Φ is integrated from the left by Simpson's rule on a finer grid, which gives it 14 digits. */
function tabulated(): Float64Array {
  const density = (u: number): number => Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI);
  const last = 2 * TABLE_REACH * STEPS;
  const table = new Float64Array(2 * (last + 2));
  const FINE = 16;
  // Below: Mills' ratio, by its asymptotic series; at 9 deviations six terms give nine digits of 1e-19.
  const r2 = 1 / (TABLE_REACH * TABLE_REACH);
  const mills = (1 - r2 * (1 - 3 * r2 * (1 - 5 * r2 * (1 - 7 * r2 * (1 - 9 * r2))))) / TABLE_REACH;
  let below = density(TABLE_REACH) * mills;
  for (let k = 0; k <= last + 1; k++) {
    const u = k / STEPS - TABLE_REACH;
    table[2 * k] = below;
    table[2 * k + 1] = density(u);
    const h = 1 / (STEPS * FINE);
    let sum = density(u) + density(u + 1 / STEPS);
    for (let m = 1; m < FINE; m++) sum += (m % 2 === 1 ? 4 : 2) * density(u + m * h);
    below += (sum * h) / 3;
  }
  return table;
}
