/** Tabular Q-learning over the states that a surface declares. See README.md. */
import { z } from 'zod';
import type { SeededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { Q_TABLE_FAMILY } from '../../policies/q-table/policy.js';
import type { Learner, LearnerPlugin, PolicyExport, UpdateReport } from '../learner.js';
import { qLearningConfigSchema, type QLearningConfig } from './config.js';
import { QValues } from './q-values.js';

const table = z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.number()]))]));
const stateSchema = z.strictObject({
  /** One table, or the two of double Q-learning. */
  tables: z.array(table).min(1).max(2),
  visits: table,
  learned: z.number().int().nonnegative(),
});
export type QLearningState = z.infer<typeof stateSchema>;

interface Step {
  readonly state: string;
  readonly action: string;
  readonly reward: number;
  /** Null after the last step of an episode. */
  readonly next: { readonly state: string; readonly eligible: readonly string[] } | null;
}

export const qLearning: LearnerPlugin<QLearningConfig, QLearningState> = {
  kind: 'q-learning',
  incremental: true,
  configSchema: qLearningConfigSchema,
  stateSchema,
  create: (config, { random }, saved) => new QLearningLearner(config, random, saved),
};

class QLearningLearner implements Learner<QLearningState> {
  readonly #config: QLearningConfig;
  readonly #random: SeededRandom;
  readonly #tables: readonly QValues[];
  readonly #visits: QValues;
  #learned: number;

  constructor(config: QLearningConfig, random: SeededRandom, saved: QLearningState | undefined) {
    this.#config = config;
    this.#random = random;
    const count = config.double ? 2 : 1;
    this.#tables = Array.from({ length: count }, (_, i) => new QValues(config.initial, saved?.tables[i]));
    this.#visits = new QValues(0, saved?.visits);
    this.#learned = saved?.learned ?? 0;
  }

  update(batch: readonly Experience[]): UpdateReport {
    let learned = 0;
    let lossSum = 0;
    for (const experience of batch) {
      const step = this.#stepOf(experience);
      if (step === undefined || !this.#hasRoom(step)) continue;
      const error = this.#learn(step);
      learned++;
      lossSum += error * error;
    }
    this.#learned += learned;
    return { learned, lossSum };
  }

  snapshot(): QLearningState {
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

  /** Undefined for an experience that says nothing about a transition. */
  #stepOf(experience: Experience): Step | undefined {
    const { status, state, slate, rewardedId, reward, next, terminal } = experience;
    const counts = status === 'complete' || (status === 'censored' && this.#config.censored === 'learn');
    const chosen = slate.filter((item) => !item.forced);
    // The action is what the reward was credited to, if the policy chose it; else what it put on top.
    const action = chosen.find((item) => item.id === rewardedId)?.id ?? chosen[0]?.id;
    if (!counts || state === undefined || action === undefined) return undefined;
    // What was credited to a pinned item was not earned by the action.
    const pinned = rewardedId !== null && slate.some((item) => item.forced && item.id === rewardedId);
    const earned = pinned ? 0 : reward;
    if (terminal === true) return { state, action, reward: earned, next: null };
    if (next) return { state, action, reward: earned, next };
    const needless = this.#config.discount === 0 || this.#config.withoutNext === 'terminal';
    return needless ? { state, action, reward: earned, next: null } : undefined;
  }

  #hasRoom({ state, action }: Step): boolean {
    const row = this.#visits.row(state);
    if (row === undefined) return this.#visits.size < this.#config.statesMax;
    return row.has(action) || row.size < this.#config.actionsMax;
  }

  /** Q(s,a) ← Q(s,a) + α·(r + γ·max_{a' eligible} Q(s',a') − Q(s,a)) (Watkins 1989); gives the error in brackets. */
  #learn({ state, action, reward, next }: Step): number {
    const { discount, learningRate } = this.#config;
    const swapped = this.#config.double && this.#random.next() < 0.5;
    const own = this.#tables[swapped ? 1 : 0]!;
    // In double Q-learning the other table values the action that this one finds best.
    const judge = this.#tables[this.#config.double && !swapped ? 1 : 0]!;
    const best = next === null ? undefined : own.best(next.state, next.eligible);
    const future = next === null || best === undefined ? 0 : judge.get(next.state, best);
    const visited = this.#visits.get(state, action);
    const alpha = learningRate.rate / (1 + visited) ** learningRate.decay;
    const value = own.get(state, action);
    const error = reward + discount * future - value;
    own.set(state, action, value + alpha * error);
    this.#visits.set(state, action, visited + 1);
    return error;
  }

  #mean(state: string, action: string): number {
    return this.#tables.reduce((sum, values) => sum + values.get(state, action), 0) / this.#tables.length;
  }
}
