/** Temporal-difference learning on a table of action values: what Q-learning and SARSA have in common. */
import { z } from 'zod';
import type { SeededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { Q_TABLE_FAMILY } from '../../policies/q-table/policy.js';
import type { Learner, PolicyExport, UpdateReport } from '../learner.js';
import type { TabularConfig } from './config.js';
import { QValues } from './q-values.js';
import { transitionOf, type Successor, type Transition } from './transition.js';

const table = z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.number()]))]));
export const tabularStateSchema = z.strictObject({
  /** One table, or the two of double learning. */
  tables: z.array(table).min(1).max(2),
  visits: table,
  learned: z.number().int().nonnegative(),
});
export type TabularState = z.infer<typeof tabularStateSchema>;

/** What one algorithm takes the future to be worth. */
export interface TargetRule {
  /** Two tables, of which one at random learns from a step and the other judges its choice. */
  readonly double: boolean;
  /** Whether a successor tells what the rule needs; steps are skipped where it does not. */
  isKnown(next: Successor): boolean;
  /** Value of being in `next`: `own` is the table that learns, `judge` the other one (the same, unless `double`). */
  valueOf(next: Successor, own: QValues, judge: QValues): number;
}

export class TabularLearner implements Learner<TabularState> {
  readonly #config: TabularConfig;
  readonly #rule: TargetRule;
  readonly #random: SeededRandom;
  readonly #tables: readonly QValues[];
  readonly #visits: QValues;
  #learned: number;

  constructor(config: TabularConfig, rule: TargetRule, random: SeededRandom, saved: TabularState | undefined) {
    this.#config = config;
    this.#rule = rule;
    this.#random = random;
    const count = rule.double ? 2 : 1;
    this.#tables = Array.from({ length: count }, (_, i) => new QValues(config.initial, saved?.tables[i]));
    this.#visits = new QValues(0, saved?.visits);
    this.#learned = saved?.learned ?? 0;
  }

  update(batch: readonly Experience[]): UpdateReport {
    let learned = 0;
    let corrected = 0;
    let lossSum = 0;
    for (const experience of batch) {
      if (experience.status === 'corrected') {
        if (this.#config.corrections === 'learn' && this.#revise(experience)) corrected++;
        continue;
      }
      const step = transitionOf(experience, this.#config, this.#rule.isKnown);
      if (step === undefined || !this.#hasRoom(step)) continue;
      const error = this.#learn(step);
      learned++;
      lossSum += error * error;
    }
    this.#learned += learned;
    return { learned: learned + corrected, lossSum };
  }

  snapshot(): TabularState {
    return { tables: this.#tables.map((t) => t.save()), visits: this.#visits.save(), learned: this.#learned };
  }

  exportPolicy(): PolicyExport {
    const { initial, exploration } = this.#config;
    const q: Record<string, Record<string, number>> = {};
    const counts: Record<string, Record<string, number>> = {};
    for (const [state, row] of this.#visits.save()) {
      const values = row.map(([action]) => [action, this.#mean(state, action)] as const);
      q[state] = Object.fromEntries(values);
      counts[state] = Object.fromEntries(row);
    }
    return {
      family: Q_TABLE_FAMILY,
      parameters: {
        q,
        counts,
        initial,
        exploration:
          exploration.kind === 'softmax'
            ? exploration
            : {
                kind: 'epsilon-greedy',
                epsilon: Math.max(exploration.min, exploration.start * exploration.decay ** this.#learned),
              },
      },
    };
  }

  #hasRoom({ state, action }: Transition): boolean {
    const row = this.#visits.row(state);
    if (row === undefined) return this.#visits.size < this.#config.statesMax;
    return row.has(action) || row.size < this.#config.actionsMax;
  }

  /** Q(s,a) ← Q(s,a) + α·(r + γ·V(s') − Q(s,a)), with V as the rule has it; gives the error in brackets. */
  #learn({ state, action, reward, next }: Transition): number {
    const { discount, learningRate } = this.#config;
    const { double } = this.#rule;
    const swapped = double && this.#random.next() < 0.5;
    const own = this.#tables[swapped ? 1 : 0]!;
    const judge = this.#tables[double && !swapped ? 1 : 0]!;
    const future = next === 'terminal' ? 0 : this.#rule.valueOf(next, own, judge);
    const visited = this.#visits.get(state, action);
    const alpha = learningRate.rate / (1 + visited) ** learningRate.decay;
    const value = own.get(state, action);
    const error = reward + discount * future - value;
    own.set(state, action, value + alpha * error);
    this.#visits.set(state, action, visited + 1);
    return error;
  }

  /**
   * Q(s,a) ← Q(s,a) + α·(r' − r), with the α of the pair's last visit: exact where the pair was not visited since, and
   * otherwise as if it had been visited with r' last. No visit is counted. False for what was not learned, or where the
   * correction moves the reward to another action.
   */
  #revise(experience: Experience): boolean {
    const { corrects } = experience;
    if (corrects === undefined) return false;
    const { status } = corrects;
    const [before, after] = [corrects, experience].map(({ reward, rewardedId, credits }) =>
      transitionOf({ ...experience, status, reward, rewardedId, credits }, this.#config, this.#rule.isKnown),
    );
    if (before === undefined || before.action !== after?.action) return false;
    const { state, action } = before;
    const visited = this.#visits.get(state, action);
    if (visited === 0) return false;
    const { rate, decay } = this.#config.learningRate;
    const step = ((rate / visited ** decay) * (after.reward - before.reward)) / this.#tables.length;
    // Which of two tables learned it is not known: half for each moves their mean as the reward would have.
    for (const table of this.#tables) table.set(state, action, table.get(state, action) + step);
    return step !== 0;
  }

  #mean(state: string, action: string): number {
    return this.#tables.reduce((sum, values) => sum + values.get(state, action), 0) / this.#tables.length;
  }
}
