/**
 * The distribution function of one Beta posterior as a table, on the scale θ = asin √x, where a Beta with a, b ≥ ½ has
 * a bounded density and a spread of about 1/(2√(a+b)) wherever its mean lies. The scale is the same for all arms, so
 * comparing arms in θ is comparing them in x.
 */

/** Cells of a table, and half its width in standard deviations: beyond it lies less than 1e-9 of the mass. */
const CELLS = 64;
const REACH = 8;

/** Three-point Gauss–Legendre on [0, 1]. */
const GAUSS_AT = [0.5 - Math.sqrt(0.15), 0.5, 0.5 + Math.sqrt(0.15)] as const;
const GAUSS_WEIGHT = [5 / 18, 8 / 18, 5 / 18] as const;

export interface BetaTable {
  /** The distribution function is 0 below `low` and 1 above `high`. */
  readonly low: number;
  readonly high: number;
  /** Half its width in θ, roughly four standard deviations: where nodes are worth placing. */
  readonly centre: number;
  readonly spread: number;
  readonly cellsPerUnit: number;
  /** Per cell, the four coefficients of the cubic that has the distribution's values and slopes at both ends. */
  readonly cubic: Float64Array;
}

/** Tabulates Beta(alpha, beta); both at least ½. Accurate to 1e-4 in probability, and to
 * 1e-3 where one of them is between ½ and 1 (choice-probabilities.spec.ts). */
export function betaTable(alpha: number, beta: number): BetaTable {
  const centre = Math.asin(Math.sqrt(alpha / (alpha + beta)));
  const spread = 0.5 / Math.sqrt(alpha + beta);
  const low = Math.max(0, centre - REACH * spread);
  const high = Math.min(Math.PI / 2, centre + REACH * spread);
  const width = (high - low) / CELLS;
  // ln of the density in θ, up to a constant that the total takes out again; relative to the mode against overflow.
  const sinPower = 2 * alpha - 1;
  const cosPower = 2 * beta - 1;
  const logAt = (theta: number): number => logTerm(sinPower, Math.sin(theta)) + logTerm(cosPower, Math.cos(theta));
  const mode = Math.atan(Math.sqrt(sinPower / Math.max(cosPower, 1e-12)));
  const top = logAt(Math.min(Math.max(mode, low), high));
  const density = (theta: number): number => Math.exp(logAt(theta) - top);

  const slope = new Float64Array(CELLS + 1);
  const value = new Float64Array(CELLS + 1);
  for (let c = 0; c <= CELLS; c++) slope[c] = density(low + c * width) * width;
  for (let c = 0; c < CELLS; c++) {
    let mass = 0;
    for (let g = 0; g < 3; g++) mass += GAUSS_WEIGHT[g]! * density(low + (c + GAUSS_AT[g]!) * width);
    value[c + 1] = value[c]! + mass * width;
  }
  const total = value[CELLS]!;
  const cubic = new Float64Array(CELLS * 4);
  for (let c = 0; c < CELLS; c++) {
    const [f0, f1] = [value[c]! / total, value[c + 1]! / total];
    // Slopes over three times the rise make a cubic overshoot (Fritsch and Carlson 1980).
    const limit = 3 * (f1 - f0);
    const [d0, d1] = [Math.min(slope[c]! / total, limit), Math.min(slope[c + 1]! / total, limit)];
    cubic.set([f0, d0, 3 * (f1 - f0) - 2 * d0 - d1, 2 * (f0 - f1) + d0 + d1], c * 4);
  }
  return { low, high, centre, spread, cellsPerUnit: 1 / width, cubic };
}

/** Fills `into` with P(arm ≤ θ) for each node θ. */
export function tabulate(table: BetaTable, nodes: Float64Array, into: Float64Array): void {
  const { low, high, cellsPerUnit, cubic } = table;
  for (let k = 0; k < nodes.length; k++) {
    const theta = nodes[k]!;
    if (theta <= low) into[k] = 0;
    else if (theta >= high) into[k] = 1;
    else {
      const at = (theta - low) * cellsPerUnit;
      const cell = at < CELLS ? at | 0 : CELLS - 1;
      const t = at - cell;
      const c = cell * 4;
      into[k] = cubic[c]! + t * (cubic[c + 1]! + t * (cubic[c + 2]! + t * cubic[c + 3]!));
    }
  }
}

/** 0·ln 0 is 0 here: the limit of x⁰. */
const logTerm = (power: number, x: number): number => (power === 0 ? 0 : power * Math.log(Math.max(x, 1e-300)));
