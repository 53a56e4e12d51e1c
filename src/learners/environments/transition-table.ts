/** A Markov decision process written out in full, and what can be computed from it exactly. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';

export const TABLE_STATES_MAX = 100_000;
export const TABLE_ACTIONS_MAX = 1_000;
const PROBABILITY_TOLERANCE = 1e-9;

const finite = z.number().refine(Number.isFinite, 'must be finite');
const count = (max: number): z.ZodNumber => z.number().int().min(1).max(max);
const probability = z.number().min(0).max(1);
const outcome = z.tuple([probability, z.number().int().nonnegative(), finite, z.boolean()]);

/** The format of Gymnasium's `env.unwrapped.P` as JSON, with what else an episode needs. */
export const transitionTableSchema = z
  .looseObject({
    /** Name of the environment. */
    env: z.string().min(1).max(128),
    /** Number of states and of actions. */
    nS: count(TABLE_STATES_MAX),
    nA: count(TABLE_ACTIONS_MAX),
    /** Steps after which an episode is truncated. */
    horizon: count(1_000_000),
    /** Probability of each state to begin in, by its index; states left out have none. */
    start_distribution: z.record(z.string().regex(/^\d+$/, 'must be the index of a state'), probability),
    /** T[s][a]: what may follow, each as [probability, next state, reward, terminated]. */
    T: z.array(z.array(z.array(outcome).min(1))),
    /** Per state one number an action: 1 where it may be chosen, else 0. All may be, if left out. */
    action_mask: z.array(z.array(z.union([z.literal(0), z.literal(1)]))).optional(),
  })
  .superRefine((table, context) => {
    for (const { path, message } of faults(table)) context.addIssue({ code: 'custom', path: [...path], message });
  });

export type TransitionTable = z.infer<typeof transitionTableSchema>;

/** As Gymnasium's `P`, a dict of dicts, comes out of a JSON writer: an object whose keys are the indices. */
const asList = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { length } = Object.keys(value);
  const list = Array.from({ length }, (_, index) => (value as Record<string, unknown>)[String(index)]);
  return list.includes(undefined) ? value : list;
};

function withLists(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || !('T' in json)) return json;
  const states = asList(json.T);
  return { ...json, T: Array.isArray(states) ? states.map(asList) : states };
}

/**
 * `T` may also be an object of objects, keyed by the indices of states and actions from 0, without gaps. Throws
 * InvalidRequest `TRANSITION_TABLE` naming the field.
 */
export function parseTransitionTable(json: unknown): TransitionTable {
  const parsed = transitionTableSchema.safeParse(withLists(json));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw new EngineError('InvalidRequest', 'TRANSITION_TABLE', `${field || 'The table'}: ${issue.message}`, { field });
}

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What the shapes alone do not say; the first fault of each kind is enough. */
function* faults(
  table: Pick<TransitionTable, 'nS' | 'nA' | 'T' | 'start_distribution' | 'action_mask'>,
): Iterable<Fault> {
  const { nS, nA, T } = table;
  if (T.length !== nS) return yield { path: ['T'], message: `must have ${nS} states` };
  const starts = Object.entries(table.start_distribution);
  for (const [state] of starts)
    if (Number(state) >= nS) return yield { path: ['start_distribution', state], message: 'is no state' };
  if (!isOne(starts.reduce((sum, [, p]) => sum + p, 0)))
    return yield { path: ['start_distribution'], message: 'must sum to 1' };
  for (const [s, row] of T.entries()) {
    if (row.length !== nA) return yield { path: ['T', s], message: `must have ${nA} actions` };
    for (const [a, outcomes] of row.entries()) {
      const stray = outcomes.findIndex(([, next]) => next >= nS);
      if (stray >= 0) return yield { path: ['T', s, a, stray], message: 'leads to no state' };
      if (!isOne(outcomes.reduce((sum, [p]) => sum + p, 0)))
        return yield { path: ['T', s, a], message: 'probabilities must sum to 1' };
    }
  }
  const mask = table.action_mask;
  if (mask === undefined) return;
  if (mask.length !== nS) return yield { path: ['action_mask'], message: `must have ${nS} states` };
  for (const [s, row] of mask.entries()) {
    if (row.length !== nA) return yield { path: ['action_mask', s], message: `must have ${nA} actions` };
    if (!row.includes(1)) return yield { path: ['action_mask', s], message: 'must allow an action' };
  }
}

const isOne = (sum: number): boolean => Math.abs(sum - 1) <= PROBABILITY_TOLERANCE;

/** Whether an action may be chosen in a state. */
export const isAllowed = (table: TransitionTable, state: number, action: number): boolean =>
  table.action_mask === undefined || table.action_mask[state]![action] === 1;

/**
 * Expected undiscounted return, within the horizon, of choosing `actionOf(state)` in every state: the exact sum over all
 * that may happen, no sampling.
 */
export function returnOf(table: TransitionTable, actionOf: (state: number) => number): number {
  const chosen = table.T.map((row, state) => row[actionOf(state)]!);
  let mass = startMass(table);
  let total = 0;
  for (let t = 0; t < table.horizon; t++) {
    const following = new Float64Array(table.nS);
    for (let s = 0; s < table.nS; s++) {
      const p = mass[s]!;
      if (p === 0) continue;
      for (const [q, next, reward, terminated] of chosen[s]!) {
        total += p * q * reward;
        if (!terminated) following[next] = following[next]! + p * q;
      }
    }
    mass = following;
  }
  return total;
}

/**
 * The most that any behaviour can expect within the horizon, undiscounted, by dynamic programming from its end backwards
 * (R. Bellman, _Dynamic Programming_, 1957). What to do may depend on the time left, so a policy that sees only the state
 * may have to stay below it.
 */
export function optimalReturn(table: TransitionTable): number {
  let value = new Float64Array(table.nS);
  for (let t = 0; t < table.horizon; t++) {
    const before = new Float64Array(table.nS).fill(-Infinity);
    for (let s = 0; s < table.nS; s++) {
      for (let a = 0; a < table.nA; a++) {
        if (!isAllowed(table, s, a)) continue;
        let worth = 0;
        for (const [p, next, reward, terminated] of table.T[s]![a]!)
          worth += p * (reward + (terminated ? 0 : value[next]!));
        if (worth > before[s]!) before[s] = worth;
      }
    }
    value = before;
  }
  return startMass(table).reduce((sum, p, s) => sum + p * value[s]!, 0);
}

export function startMass(table: TransitionTable): Float64Array {
  const mass = new Float64Array(table.nS);
  for (const [state, p] of Object.entries(table.start_distribution)) mass[Number(state)] = p;
  return mass;
}
