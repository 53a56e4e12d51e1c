/**
 * The probability that each of several independent arms is the largest:
 * P(i wins) = ∫ Π_{j≠i} F_j(θ) dF_i(θ), by a fixed rule. Nodes are spread over the reach of every arm that can win;
 * between two nodes all F_j are taken as linear in a common variable, so that what is integrated is a polynomial.
 *
 * For arms that are alike the rule is exact; otherwise its distance to the true probabilities stays within 2e-3
 * (choice-probabilities.spec.ts, against a fine quadrature and against sampling).
 */
import { cumulative, type BetaTable } from './beta-table.js';

/** Nodes over all arms together, and their bounds for one arm. */
const NODES = 144;
const NODES_PER_ARM_MIN = 6;
const NODES_PER_ARM_MAX = 48;
/** Above it, nodes are thinned to every n-th. */
const NODES_MAX = 256;
/** An arm's nodes reach so many standard deviations to either side. */
const NODE_REACH = 4;

/** Two-point Gauss–Legendre on [0, 1]; both weights are ½. */
const GAUSS_AT = [0.5 - Math.sqrt(1 / 12), 0.5 + Math.sqrt(1 / 12)] as const;

/** An arm, and how many candidates have exactly this posterior. */
export interface ArmGroup {
  readonly table: BetaTable;
  readonly count: number;
}

/** Probability of each single member of each group to win; Σ count·p = 1. Groups must have different tables. */
export function choiceProbabilities(groups: readonly ArmGroup[]): Float64Array {
  const wins = new Float64Array(groups.length);
  // Whoever wins is above the highest `low`: there one arm at least lies for sure.
  let low = 0;
  let high = 0;
  for (const { table } of groups) {
    if (table.low > low) low = table.low;
    if (table.high > high) high = table.high;
  }
  const live: number[] = [];
  groups.forEach(({ table }, i) => {
    if (table.high > low) live.push(i);
  });
  if (live.length === 1) {
    wins[live[0]!] = 1 / groups[live[0]!]!.count;
    return wins;
  }
  const arms = live.map((i) => groups[i]!);
  const shares = integrate(arms, placeNodes(arms, low, high));
  let total = 0;
  for (let a = 0; a < arms.length; a++) total += shares[a]! * arms[a]!.count;
  for (let a = 0; a < arms.length; a++) wins[live[a]!] = shares[a]! / total;
  return wins;
}

/** Ascending nodes from `low` to `high`: evenly over each arm's reach, so that narrow arms get narrow cells. */
function placeNodes(arms: readonly ArmGroup[], low: number, high: number): Float64Array {
  const perArm = Math.min(Math.max(Math.round(NODES / arms.length), NODES_PER_ARM_MIN), NODES_PER_ARM_MAX);
  const nodes = new Float64Array(arms.length * perArm + 2);
  let used = 0;
  // Whoever wins is rarely below where any arm's own nodes begin: nodes go where the best arm may be.
  let bottom = low;
  for (const { table } of arms) bottom = Math.max(bottom, table.centre - NODE_REACH * table.spread);
  for (const { table } of arms) {
    const from = Math.min(bottom, table.centre + (NODE_REACH - 1) * table.spread);
    const to = Math.min(table.centre + NODE_REACH * table.spread, table.high);
    const step = (to - from) / (perArm - 1);
    for (let k = 0; k < perArm; k++) {
      const node = from + k * step;
      if (node > low && node < high) nodes[used++] = node;
    }
  }
  nodes[used++] = low;
  nodes[used++] = high;
  const sorted = nodes.subarray(0, used).sort();
  if (used <= NODES_MAX) return sorted;
  const thinned = new Float64Array(NODES_MAX);
  const stride = (used - 1) / (NODES_MAX - 1);
  for (let k = 0; k < NODES_MAX; k++) thinned[k] = sorted[Math.round(k * stride)]!;
  return thinned;
}

/** ∫ F_i^{count−1} Π_{j≠i} F_j^{count_j} dF_i for each arm i. */
function integrate(arms: readonly ArmGroup[], nodes: Float64Array): Float64Array {
  const n = arms.length;
  const result = new Float64Array(n);
  let below = new Float64Array(n);
  let above = new Float64Array(n);
  const level = new Float64Array(n);
  const power = new Float64Array(n);
  /** Product over the arms from a on. */
  const suffix = new Float64Array(n + 1);
  suffix[n] = 1;
  for (let a = 0; a < n; a++) below[a] = cumulative(arms[a]!.table, nodes[0]!);
  for (let k = 1; k < nodes.length; k++) {
    const node = nodes[k]!;
    if (node === nodes[k - 1]) continue;
    for (let a = 0; a < n; a++) above[a] = cumulative(arms[a]!.table, node);
    for (let g = 0; g < 2; g++) {
      const t = GAUSS_AT[g]!;
      for (let a = n - 1; a >= 0; a--) {
        const f = below[a]! + t * (above[a]! - below[a]!);
        const { count } = arms[a]!;
        const others = count === 1 ? 1 : Math.pow(f, count - 1);
        level[a] = f;
        power[a] = others;
        suffix[a] = suffix[a + 1]! * others * f;
      }
      let prefix = 1;
      for (let a = 0; a < n; a++) {
        result[a]! += 0.5 * (above[a]! - below[a]!) * power[a]! * prefix * suffix[a + 1]!;
        prefix *= level[a]! * power[a]!;
      }
    }
    [below, above] = [above, below];
  }
  return result;
}
