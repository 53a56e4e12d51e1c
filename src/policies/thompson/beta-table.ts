/**
 * The distribution function of one Beta posterior as a table, on the scale θ = asin √x, where a Beta with a, b ≥ ½ has
 * a bounded density and a spread of about 1/(2√(a+b)) wherever its mean lies. The scale is the same for all arms, so
 * comparing arms in θ is comparing them in x.
 */
import type { ArmDistribution } from './choice-probabilities.js';
import { CubicTable } from './cubic-table.js';

/** Cells of a table, and half its width in standard deviations: beyond it lies less than 1e-9 of the mass. */
const CELLS = 64;
const REACH = 8;
/** Nodes reach so many standard deviations to either side. */
const NODE_REACH = 4;

/**
 * Tabulates Beta(alpha, beta); both at least ½. Accurate to 1e-4 in probability, and to 1e-3 where one of them is between
 * ½ and 1 (choice-probabilities.spec.ts).
 */
export function betaTable(alpha: number, beta: number): ArmDistribution {
  const centre = Math.asin(Math.sqrt(alpha / (alpha + beta)));
  const spread = 0.5 / Math.sqrt(alpha + beta);
  const low = Math.max(0, centre - REACH * spread);
  const high = Math.min(Math.PI / 2, centre + REACH * spread);
  // ln of the density in θ, up to a constant that the total takes out again; relative to the mode against overflow.
  const sinPower = 2 * alpha - 1;
  const cosPower = 2 * beta - 1;
  const logAt = (theta: number): number => logTerm(sinPower, Math.sin(theta)) + logTerm(cosPower, Math.cos(theta));
  const mode = Math.atan(Math.sqrt(sinPower / Math.max(cosPower, 1e-12)));
  const top = logAt(Math.min(Math.max(mode, low), high));
  const table = new CubicTable(low, high, CELLS, (theta) => Math.exp(logAt(theta) - top));
  const reach = NODE_REACH * spread;
  return {
    low,
    high,
    nodeAt: (t) => centre + t * reach,
    nodeOf: (theta) => (theta - centre) / reach,
    tabulate(nodes, into) {
      for (let k = 0; k < nodes.length; k++) into[k] = table.at(nodes[k]!);
    },
  };
}

/** 0·ln 0 is 0 here: the limit of x⁰. */
const logTerm = (power: number, x: number): number => (power === 0 ? 0 : power * Math.log(Math.max(x, 1e-300)));
