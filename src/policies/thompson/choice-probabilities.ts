/**
 * The probability that each of several independent arms is the largest:
 * P(i wins) = ∫ Π_{j≠i} F_j(θ) dF_i(θ), by a fixed rule. Nodes are spread over the reach of every arm that can win;
 * between two nodes all F_j are taken as linear in a common variable, so that what is integrated is a polynomial.
 *
 * For arms that are alike the rule is exact; otherwise its distance to the true probabilities stays within 1e-3
 * (choice-probabilities.spec.ts and student-table.spec.ts, against a fine quadrature and against sampling).
 */
/** Nodes over all arms together, and their bounds for one arm. */
const NODES = 96;
const NODES_PER_ARM_MIN = 6;
const NODES_PER_ARM_MAX = 48;
/** Above it, nodes are thinned to every n-th. */
const NODES_MAX = 256;
/** An arm's nodes begin here at the latest, on its own scale from −1 to 1. */
const NODES_FROM_MAX = 0.75;

/** Two-point Gauss–Legendre on [0, 1]; both weights are ½. */
const GAUSS_AT = [0.5 - Math.sqrt(1 / 12), 0.5 + Math.sqrt(1 / 12)] as const;

/** What is believed of one arm's value, on a scale that is the same for all arms. Immutable. */
export interface ArmDistribution {
  /** The distribution function is 0 up to `low` and 1 from `high` on; `low` < `high`. */
  readonly low: number;
  readonly high: number;
  /** Where nodes are worth placing: from −1, below which hardly anything lies, to 1, rising. */
  nodeAt(t: number): number;
  /** Its inverse, also beyond −1 and 1. */
  nodeOf(value: number): number;
  /** Fills `into` with P(arm ≤ value) for each of the ascending nodes. */
  tabulate(nodes: Float64Array, into: Float64Array): void;
}

/** An arm, and how many candidates have exactly this posterior. */
export interface ArmGroup {
  readonly table: ArmDistribution;
  readonly count: number;
}

/** Probability of each single member of each group to win; Σ count·p = 1. Groups must have different tables. */
export function choiceProbabilities(groups: readonly ArmGroup[]): Float64Array {
  const wins = new Float64Array(groups.length);
  // Whoever wins is above the highest `low`: there one arm at least lies for sure.
  let low = -Infinity;
  let high = -Infinity;
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

/** The same for a list in which arms may occur several times, by identity; the result is in the list's order. */
export function winShares(tables: readonly ArmDistribution[]): number[] {
  const indexOf = new Map<ArmDistribution, number>();
  const groups: { table: ArmDistribution; count: number }[] = [];
  const groupOf = tables.map((table) => {
    let index = indexOf.get(table);
    if (index === undefined) {
      index = groups.length;
      indexOf.set(table, index);
      groups.push({ table, count: 0 });
    }
    groups[index]!.count++;
    return index;
  });
  const wins = choiceProbabilities(groups);
  return groupOf.map((group) => wins[group]!);
}

/** Ascending nodes from `low` to `high`: evenly over each arm's reach, so that narrow arms get narrow cells. */
function placeNodes(arms: readonly ArmGroup[], low: number, high: number): Float64Array {
  const perArm = Math.min(Math.max(Math.round(NODES / arms.length), NODES_PER_ARM_MIN), NODES_PER_ARM_MAX);
  const nodes = new Float64Array(arms.length * perArm + 2);
  let used = 0;
  // Whoever wins is rarely below where any arm's own nodes begin: nodes go where the best arm may be.
  let bottom = low;
  for (const { table } of arms) bottom = Math.max(bottom, table.nodeAt(-1));
  for (const { table } of arms) {
    const from = Math.min(table.nodeOf(bottom), NODES_FROM_MAX);
    const to = Math.min(1, table.nodeOf(table.high));
    const step = (to - from) / (perArm - 1);
    for (let k = 0; k < perArm; k++) {
      const node = table.nodeAt(from + k * step);
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
    table.tabulate(nodes, row);
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
