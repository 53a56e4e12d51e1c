/** Tabular Q-learning and double Q-learning over the states that a surface declares. See README.md. */
import type { LearnerPlugin } from '../learner.js';
import { TabularLearner, tabularStateSchema, type TabularState, type TargetRule } from '../tabular/learner.js';
import { qLearningConfigSchema, type QLearningConfig } from './config.js';

/**
 * max_{a' eligible} Q(s',a') (Watkins 1989); in double Q-learning the other table values the action that this one finds
 * best. Where nothing may be chosen there is no future.
 */
const bestNext = (double: boolean): TargetRule => ({
  double,
  isKnown: () => true,
  valueOf({ state, eligible }, own, judge) {
    const best = own.best(state, eligible);
    return best === undefined ? 0 : judge.get(state, best);
  },
});

export const qLearning: LearnerPlugin<QLearningConfig, TabularState> = {
  kind: 'q-learning',
  incremental: true,
  configSchema: qLearningConfigSchema,
  stateSchema: tabularStateSchema,
  create: (config, { random }, saved) => new TabularLearner(config, bestNext(config.double), random, saved),
};
