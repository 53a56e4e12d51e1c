/** A distribution function tabulated from its density: cells of one width, a cubic in each. */

/** Three-point Gauss–Legendre on [0, 1]. */
const GAUSS_AT = [0.5 - Math.sqrt(0.15), 0.5, 0.5 + Math.sqrt(0.15)] as const;
const GAUSS_WEIGHT = [5 / 18, 8 / 18, 5 / 18] as const;

/** 0 below `low` and 1 above `high`, rising in between. Immutable. */
export class CubicTable {
  readonly low: number;
  readonly high: number;
  readonly #cells: number;
  readonly #cellsPerUnit: number;
  /** Per cell, the four coefficients of the cubic that has the distribution's values and slopes at both ends. */
  readonly #cubic: Float64Array;

  /** `density` need not be scaled to a mass of 1; it is finite from `low` to `high`. */
  constructor(low: number, high: number, cells: number, density: (x: number) => number) {
    this.low = low;
    this.high = high;
    const width = (high - low) / cells;
    const slope = new Float64Array(cells + 1);
    const value = new Float64Array(cells + 1);
    for (let c = 0; c <= cells; c++) slope[c] = density(low + c * width) * width;
    for (let c = 0; c < cells; c++) {
      let mass = 0;
      for (let g = 0; g < 3; g++) mass += GAUSS_WEIGHT[g]! * density(low + (c + GAUSS_AT[g]!) * width);
      value[c + 1] = value[c]! + mass * width;
    }
    const total = value[cells]!;
    const cubic = new Float64Array(cells * 4);
    for (let c = 0; c < cells; c++) {
      const [f0, f1] = [value[c]! / total, value[c + 1]! / total];
      // Slopes over three times the rise make a cubic overshoot (Fritsch and Carlson 1980).
      const limit = 3 * (f1 - f0);
      const [d0, d1] = [Math.min(slope[c]! / total, limit), Math.min(slope[c + 1]! / total, limit)];
      cubic.set([f0, d0, 3 * (f1 - f0) - 2 * d0 - d1, 2 * (f0 - f1) + d0 + d1], c * 4);
    }
    this.#cells = cells;
    this.#cellsPerUnit = 1 / width;
    this.#cubic = cubic;
  }

  /** The mass below x. */
  at(x: number): number {
    if (x <= this.low) return 0;
    if (x >= this.high) return 1;
    const at = (x - this.low) * this.#cellsPerUnit;
    const cell = at < this.#cells ? at | 0 : this.#cells - 1;
    const t = at - cell;
    const c = cell * 4;
    const cubic = this.#cubic;
    return cubic[c]! + t * (cubic[c + 1]! + t * (cubic[c + 2]! + t * cubic[c + 3]!));
  }
}
