/** Tabular SARSA: Q-learning's on-policy twin. See README.md. */
import type { LearnerPlugin } from '../learner.js';
import { TabularLearner, tabularStateSchema, type TabularState, type TargetRule } from '../tabular/learner.js';
import { sarsaConfigSchema, type SarsaConfig } from './config.js';

/** Q(s',a') of the action that was taken there (Rummery, Niranjan 1994). Where nothing may be chosen there is no future. */
const takenNext: TargetRule = {
  double: false,
  isKnown: ({ action, eligible }) => action !== undefined || eligible.length === 0,
  valueOf: ({ state, action }, own) => (action === undefined ? 0 : own.get(state, action)),
};

export const sarsa: LearnerPlugin<SarsaConfig, TabularState> = {
  kind: 'sarsa',
  incremental: true,
  configSchema: sarsaConfigSchema,
  stateSchema: tabularStateSchema,
  create: (config, { random }, saved) => new TabularLearner(config, takenNext, random, saved),
};
