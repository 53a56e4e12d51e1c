/**
 * What a stream of experience says of its actions, whatever the learner: how many have been tried, and how far what was
 * shown stays behind the best of them. Bounded, forgetting, and part of the checkpoint.
 */
import { z } from 'zod';
import { fnv1a } from '../../kernel/ids.js';
import { firstChoice } from '../../learners/credit.js';
import type { Experience } from '../../messages/decisions.js';

/** Actions remembered; beyond it the one that was not shown for longest is forgotten. */
const ACTIONS_MAX = 1024;
/** States told apart, by a hash of 32 bits. */
export const STATES_MAX = 4096;
/** What an experience still weighs once another one has come: half after about 700. */
const KEEP = 0.999;
/** Weights are clipped, and larger rewards not counted: sums stay finite, and a checkpoint can hold them. */
const WEIGHT_MAX = 1e6;
const REWARD_ABS_MAX = 1e12;
/** An action is judged once its weighted experiences are worth so many equal ones. */
const EFFECTIVE_MIN = 30;

const count = z.number().int().nonnegative();
const finite = z.number().refine(Number.isFinite, 'must be finite');

export const savedLedgerSchema = z.strictObject({
  seen: count,
  /** Decayed count and sum of what the shown actions earned. */
  earned: z.tuple([finite, finite]),
  /** Action; decayed sums of weights, of their squares, and of weighted rewards; and the experience they stand at. */
  actions: z.array(z.tuple([z.string(), finite, finite, finite, count])).max(ACTIONS_MAX),
  states: z.array(count).max(STATES_MAX),
});
export type SavedLedger = z.infer<typeof savedLedgerSchema>;

interface Tried {
  weight: number;
  square: number;
  earned: number;
  at: number;
}

export class ActionLedger {
  readonly #actions: Map<string, Tried>;
  readonly #states: Set<number>;
  readonly #earned: [n: number, sum: number];
  #seen: number;

  constructor(saved?: SavedLedger) {
    this.#actions = new Map(
      (saved?.actions ?? []).map(([id, weight, square, earned, at]) => [id, { weight, square, earned, at }]),
    );
    this.#states = new Set(saved?.states);
    this.#earned = saved === undefined ? [0, 0] : [saved.earned[0], saved.earned[1]];
    this.#seen = saved?.seen ?? 0;
  }

  /** Distinct states, up to STATES_MAX. */
  get statesVisited(): number {
    return this.#states.size;
  }

  /**
   * Takes an experience into account and gives the share of its eligible actions that had been tried before or are now;
   * undefined where nothing was eligible.
   */
  observe(experience: Experience): number | undefined {
    const { status, ending, eligible, state } = experience;
    if (state !== undefined && this.#states.size < STATES_MAX) this.#states.add(fnv1a(state));
    const first = firstChoice(experience);
    if (first !== undefined && first.item.propensity > 0 && status === 'complete' && ending !== 'withdrawn')
      this.#credit(first.item.id, first.item.propensity, first.reward);
    if (eligible.length === 0) return undefined;
    return eligible.reduce((tried, id) => tried + (this.#actions.has(id) ? 1 : 0), 0) / eligible.length;
  }

  /**
   * max over actions a of r̂(a), less what was earned: r̂ is the self-normalised importance-weighted mean (Swaminathan and
   * Joachims 2015) of the rewards of a at the first position that a policy chose, and what was earned is the mean reward of
   * whatever stood there, both with the same forgetting. It compares with always showing one best action, so it falls below
   * 0 where the context is put to use. Null until an action has an effective sample of at least EFFECTIVE_MIN.
   */
  regretProxy(): number | null {
    let best = -Infinity;
    for (const { weight, square, earned, at } of this.#actions.values()) {
      // The forgetting since cancels in earned/weight, and does not change weight²/square; only old evidence is no evidence.
      const age = KEEP ** (this.#seen - at);
      if ((age * weight * weight) / square >= EFFECTIVE_MIN) best = Math.max(best, earned / weight);
    }
    const [n, sum] = this.#earned;
    return best === -Infinity ? null : best - sum / n;
  }

  save(): SavedLedger {
    return {
      seen: this.#seen,
      earned: [...this.#earned],
      actions: [...this.#actions].map(([id, { weight, square, earned, at }]) => [id, weight, square, earned, at]),
      states: [...this.#states],
    };
  }

  #credit(id: string, propensity: number, reward: number): void {
    if (Math.abs(reward) > REWARD_ABS_MAX) return;
    this.#seen++;
    this.#earned[0] = KEEP * this.#earned[0] + 1;
    this.#earned[1] = KEEP * this.#earned[1] + reward;
    const known = this.#actions.get(id);
    if (known === undefined) {
      if (this.#actions.size >= ACTIONS_MAX) this.#actions.delete(this.#actions.keys().next().value!);
    } else this.#actions.delete(id);
    const keep = known === undefined ? 0 : KEEP ** (this.#seen - known.at);
    const weight = Math.min(1 / propensity, WEIGHT_MAX);
    // Put last: the first is the one that was not shown for longest.
    this.#actions.set(id, {
      weight: keep * (known?.weight ?? 0) + weight,
      square: keep * keep * (known?.square ?? 0) + weight * weight,
      earned: keep * (known?.earned ?? 0) + weight * reward,
      at: this.#seen,
    });
  }
}
