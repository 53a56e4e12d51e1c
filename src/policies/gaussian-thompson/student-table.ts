/**
 * The distribution function of Student's t (and, as its limit, the Normal) as a table. Tails may be heavy, so the table
 * is in u with z = u/(1 − u²): near the middle that is z itself, and however far a tail reaches, u stays below 1.
 */
import type { ArmDistribution } from '../thompson/choice-probabilities.js';
import { CubicTable } from '../thompson/cubic-table.js';
import type { MeanPosterior } from './posterior.js';

const CELLS = 96;
/** Mass beyond the table on either side, and beyond an arm's own nodes (that of 4 standard deviations of a Normal). */
const TABLE_TAIL = 1e-9;
const NODE_TAIL = 3e-5;
/** Where a scale is so small next to its location that their sum has lost it. */
const RELATIVE_SCALE_MIN = 1e-9;

/**
 * Tabulates the mean's posterior; `freedom` at least 2. Accurate to 1e-4 in probability (student-table.spec.ts). A scale
 * below 1e-9 of the location is taken as that.
 */
export function studentTable({ location, scale, freedom }: MeanPosterior): ArmDistribution {
  const width = Math.max(scale, RELATIVE_SCALE_MIN * Math.abs(location));
  const logDensity = logDensityOf(freedom);
  const reach = tailAt(TABLE_TAIL, freedom, logDensity);
  const edge = toU(reach);
  const table = new CubicTable(-edge, edge, CELLS, (u) => {
    const shrunk = 1 - u * u;
    return (Math.exp(logDensity(u / shrunk)) * (1 + u * u)) / (shrunk * shrunk);
  });
  // Nodes are even in asinh z: even steps in the middle, growing ones along the tails.
  const span = Math.asinh(tailAt(NODE_TAIL, freedom, logDensity));
  return {
    low: location - reach * width,
    high: location + reach * width,
    nodeAt: (t) => location + width * Math.sinh(t * span),
    nodeOf: (x) => Math.asinh((x - location) / width) / span,
    tabulate(nodes, into) {
      for (let k = 0; k < nodes.length; k++) into[k] = table.at(toU((nodes[k]! - location) / width));
    },
  };
}

/** Solves z = u/(1 − u²) for u in (−1, 1). */
const toU = (z: number): number => (2 * z) / (1 + Math.sqrt(1 + 4 * z * z));

/** ln of the density at z, up to a constant; the density is at most 0.4 times this one's. */
const logDensityOf = (freedom: number): ((z: number) => number) =>
  freedom === Infinity ? (z) => -0.5 * z * z : (z) => -0.5 * (freedom + 1) * Math.log1p((z * z) / freedom);

/**
 * A z beyond which lies at most `mass`: ∫_z^∞ f ≤ (1/z)·∫_z^∞ t·f(t) dt = f(z)·(ν + z²)/((ν − 1)·z). By bisection of ln z,
 * always with the same number of steps.
 */
function tailAt(mass: number, freedom: number, logDensity: (z: number) => number): number {
  const normal = freedom === Infinity;
  let [near, far] = [0, Math.log(1e9)];
  const wanted = Math.log(mass);
  for (let i = 0; i < 30; i++) {
    const middle = (near + far) / 2;
    const z = Math.exp(middle);
    const ratio = normal ? 1 : (freedom + z * z) / (freedom - 1);
    if (Math.log((0.4 * ratio) / z) + logDensity(z) > wanted) near = middle;
    else far = middle;
  }
  return Math.exp(far);
}
