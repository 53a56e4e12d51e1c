/** Mean rewards of arms, acted on ε-greedily. See README.md. */
import { EPSILON_GREEDY_FAMILY } from '../../policies/epsilon-greedy/policy.js';
import { savedTableSchema, type SavedTable } from '../arms/arm-table.js';
import { statisticsEvidence } from '../arms/evidence.js';
import { ArmLearner, nothingEarned } from '../arms/learner.js';
import type { LearnerPlugin } from '../learner.js';
import type { Statistics } from '../../policies/arms/statistics.js';
import { epsilonGreedyConfigSchema, type EpsilonGreedyConfig } from './config.js';
import { scheduled } from '../arms/config.js';

export type EpsilonGreedyState = SavedTable<Statistics>;

export const epsilonGreedy: LearnerPlugin<EpsilonGreedyConfig, EpsilonGreedyState> = {
  kind: 'epsilon-greedy',
  incremental: true,
  configSchema: epsilonGreedyConfigSchema,
  stateSchema: savedTableSchema(statisticsEvidence),
  create: (config, _deps, saved) =>
    new ArmLearner(
      {
        config,
        evidence: statisticsEvidence,
        outcomeOf: (reward) => reward,
        uncredited: nothingEarned(config),
        exportPolicy: (table) => ({
          family: EPSILON_GREEDY_FAMILY,
          parameters: { ...table.levels(), prior: config.prior, epsilon: scheduled(config.epsilon, table.learned) },
        }),
      },
      saved,
    ),
};
