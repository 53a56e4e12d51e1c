/**
 * The campaign's side of its budget: what every partition was granted and has spent, who waits for more, and who was
 * asked to give back. Whatever the messages' timing, the sum of grants never exceeds the budget: only what is
 * unallotted is ever granted, and it grows only by what a partition no longer has. All functions are pure.
 */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';

/**
 * For so long a partition keeps what it was granted on request. Without it the last units of a budget would wander from
 * partition to partition, always recalled before the next decision there could use them.
 */
export const RECALL_PATIENCE_MS = 1000;

const cents = z.number().int().nonnegative();

export const budgetSchema = z
  .strictObject({
    budgetCents: cents,
    /** By partition; granted is less what came back, and includes what was spent. Empty before the launch. */
    granted: z.array(cents).readonly(),
    spent: z.array(cents).readonly(),
    /** By partition: when it was last granted something on request, fold time. */
    grantedAtMs: z.array(z.number()).readonly(),
    /** Partitions whose answer to a recall is still out; at most one recall a partition. */
    recalling: z.array(z.number().int()).readonly(),
    /** Partitions short of `wantCents` for one more unit, longest waiting first; each at most once. */
    waiting: z.array(z.strictObject({ partition: z.number().int(), wantCents: cents }).readonly()).readonly(),
    /** When to look again whom to recall from, because patience with somebody ends; 0 for never. */
    retryAtMs: z.number(),
  })
  .readonly();
export type Budget = z.infer<typeof budgetSchema>;

export interface Grant {
  readonly partition: number;
  readonly amountCents: number;
}

/** What the budget does next: money sent out, and partitions asked to send some back. */
export interface Served {
  readonly budget: Budget;
  readonly grants: readonly Grant[];
  readonly recalls: readonly number[];
}

/** How much at a time: `unitCents` is the dearest offer's cost, `chunkCents` a whole number of units. */
export interface GrantSize {
  readonly unitCents: number;
  readonly chunkCents: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const unallottedCents = (budget: Budget): number => budget.budgetCents - sum(budget.granted);
export const spentCents = (budget: Budget): number => sum(budget.spent);
export const outstandingCents = (budget: Budget, partition: number): number =>
  (budget.granted[partition] ?? 0) - (budget.spent[partition] ?? 0);

export const emptyBudget = (budgetCents: number): Budget => ({
  budgetCents,
  granted: [],
  spent: [],
  grantedAtMs: [],
  recalling: [],
  waiting: [],
  retryAtMs: 0,
});

/** One first allotment is budget / (partitions × initialShare), in whole units and at least one. */
export function grantSize(budgetCents: number, unitCents: number, partitions: number, initialShare: number): GrantSize {
  const units = Math.floor(budgetCents / (partitions * initialShare) / unitCents);
  return { unitCents, chunkCents: Math.max(1, units) * unitCents };
}

/** First allotments, a chunk a partition while the budget lasts. The last may be less than a unit. */
export function openBudget(budgetCents: number, partitions: number, size: GrantSize): Budget {
  const granted = new Array<number>(partitions).fill(0);
  let left = budgetCents;
  for (let partition = 0; partition < partitions && left > 0; partition++) {
    granted[partition] = Math.min(size.chunkCents, left);
    left -= granted[partition]!;
  }
  const zeros = new Array<number>(partitions).fill(0);
  return { ...emptyBudget(budgetCents), granted, spent: zeros, grantedAtMs: zeros };
}

export function request(budget: Budget, partition: number, wantCents: number): Budget {
  known(budget, partition);
  const others = budget.waiting.filter((w) => w.partition !== partition);
  return { ...budget, waiting: [...others, { partition, wantCents }] };
}

/** Takes back `amountCents`, which answers the recall if one is out. What a waiter gives back it needs again. */
export function giveBack(budget: Budget, partition: number, amountCents: number): Budget {
  known(budget, partition);
  if (amountCents > outstandingCents(budget, partition)) {
    throw broken(`partition ${partition} gave back ${amountCents} cents of ${outstandingCents(budget, partition)}`);
  }
  return {
    ...budget,
    granted: budget.granted.with(partition, budget.granted[partition]! - amountCents),
    recalling: budget.recalling.filter((p) => p !== partition),
    waiting: budget.waiting.map((w) =>
      w.partition === partition ? { partition, wantCents: w.wantCents + amountCents } : w,
    ),
  };
}

export function spend(budget: Budget, partition: number, amountCents: number): Budget {
  known(budget, partition);
  if (amountCents > outstandingCents(budget, partition)) {
    throw broken(`partition ${partition} spent ${amountCents} cents of ${outstandingCents(budget, partition)}`);
  }
  return { ...budget, spent: budget.spent.with(partition, budget.spent[partition]! + amountCents) };
}

/**
 * Grants what is unallotted to those who wait, in even shares of whole units, then recalls for those still short. A
 * waiter whose need is not covered does not keep a later, smaller one from being served.
 */
export function serve(budget: Budget, size: GrantSize, nowMs: number): Served {
  const grants: Grant[] = [];
  const granted = [...budget.granted];
  const grantedAtMs = [...budget.grantedAtMs];
  const waiting: Budget['waiting'][number][] = [];
  let left = unallottedCents(budget);
  let behind = budget.waiting.length;
  for (const waiter of budget.waiting) {
    const { partition } = waiter;
    const wantCents = Math.min(waiter.wantCents, size.unitCents);
    const even = Math.floor(left / behind-- / size.unitCents) * size.unitCents;
    const amountCents = Math.min(left, Math.max(wantCents, Math.min(size.chunkCents, even)));
    if (amountCents === 0 || amountCents < wantCents) {
      waiting.push(waiter);
      continue;
    }
    granted[partition]! += amountCents;
    grantedAtMs[partition] = nowMs;
    left -= amountCents;
    grants.push({ partition, amountCents });
  }
  const served: Budget = { ...budget, granted, grantedAtMs, waiting };
  const { recalls, retryAtMs } = recallsFor(served, left, size, nowMs);
  return { budget: { ...served, recalling: [...served.recalling, ...recalls], retryAtMs }, grants, recalls };
}

/**
 * Whom to ask for unused money: those with the most outstanding, until what is asked for covers what is wanted; then,
 * if several wait, those who wait themselves, the latest first: small rests may add up to a unit, and one whose
 * request crossed a grant waits for what it has. This ends, because a grant takes a waiter out of the line and a recall
 * takes outstanding money away.
 */
function recallsFor(
  budget: Budget,
  leftCents: number,
  size: GrantSize,
  nowMs: number,
): { recalls: readonly number[]; retryAtMs: number } {
  if (budget.waiting.length === 0) return { recalls: [], retryAtMs: 0 };
  let short = sum(budget.waiting.map((w) => Math.min(w.wantCents, size.unitCents))) - leftCents;
  for (const partition of budget.recalling) short -= outstandingCents(budget, partition);
  const waiters = new Set(budget.waiting.map((w) => w.partition));
  const others = budget.granted
    .map((_, partition) => partition)
    .filter((partition) => !waiters.has(partition))
    .sort((a, b) => outstandingCents(budget, b) - outstandingCents(budget, a) || a - b);
  const latest = budget.waiting.length > 1 ? [...waiters].reverse() : [];
  const recalls: number[] = [];
  let retryAtMs = Infinity;
  for (const partition of [...others, ...latest]) {
    if (short <= 0) break;
    const outstanding = outstandingCents(budget, partition);
    if (outstanding === 0 || budget.recalling.includes(partition)) continue;
    const recallableAtMs = budget.grantedAtMs[partition]! + RECALL_PATIENCE_MS;
    if (recallableAtMs > nowMs) {
      retryAtMs = Math.min(retryAtMs, recallableAtMs);
      continue;
    }
    recalls.push(partition);
    short -= outstanding;
  }
  return { recalls, retryAtMs: short > 0 && retryAtMs < Infinity ? retryAtMs : 0 };
}

function known(budget: Budget, partition: number): void {
  if (budget.granted[partition] === undefined) throw broken(`partition ${partition} was never granted anything`);
}

const broken = (what: string): EngineError =>
  new EngineError('Invariant', 'BUDGET_INVARIANT', `A campaign's books do not balance: ${what}.`);
