/**
 * The probability that each of several independent arms is the largest:
 * P(i wins) = ∫ Π_{j≠i} F_j(θ) dF_i(θ), by a fixed rule. Nodes are spread over the reach of every arm that can win;
 * between two nodes all F_j are taken as linear in a common variable, so that what is integrated is a polynomial.
 *
 * For arms that are alike the rule is exact; otherwise its distance to the true probabilities stays within 1e-3
 * (choice-probabilities.spec.ts, against a fine quadrature and against sampling).
 */
import { tabulate, type BetaTable } from './beta-table.js';

/** Nodes over all arms together, and their bounds for one arm. */
const NODES = 96;
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

/**
 * ∫ F_i^{count−1} Π_{j≠i} F_j^{count_j} dF_i for each arm i, as the product over all arms divided by F_i. Where F_i is
 * 0 nothing of arm i lies, and there is nothing to divide.
 */
function integrate(arms: readonly ArmGroup[], nodes: Float64Array): Float64Array {
  const cells = nodes.length - 1;
  const levels = new Float64Array(arms.length * nodes.length);
  const first = new Float64Array(cells).fill(1);
  const second = new Float64Array(cells).fill(1);
  const [t0, t1] = GAUSS_AT;
  arms.forEach(({ table, count }, a) => {
    const row = levels.subarray(a * nodes.length, (a + 1) * nodes.length);
    tabulate(table, nodes, row);
    for (let c = 0; c < cells; c++) {
      const below = row[c]!;
      if (below === 1) break;
      const mass = row[c + 1]! - below;
      const f0 = below + t0 * mass;
      const f1 = below + t1 * mass;
      first[c]! *= count === 1 ? f0 : Math.pow(f0, count);
      second[c]! *= count === 1 ? f1 : Math.pow(f1, count);
    }
  });
  const shares = new Float64Array(arms.length);
  for (let a = 0; a < arms.length; a++) {
    const row = levels.subarray(a * nodes.length, (a + 1) * nodes.length);
    let share = 0;
    for (let c = 0; c < cells; c++) {
      const below = row[c]!;
      if (below === 1) break;
      const mass = row[c + 1]! - below;
      const f0 = below + t0 * mass;
      const f1 = below + t1 * mass;
      if (mass > 0) share += (mass * (first[c]! * f1 + second[c]! * f0)) / (f0 * f1);
    }
    shares[a] = share / 2;
  }
  return shares;
}
