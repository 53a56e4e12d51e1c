/** Mean rewards and trials of arms, acted on by optimism. See README.md. */
import { UCB1_FAMILY } from '../../policies/ucb1/policy.js';
import { savedTableSchema, type SavedTable } from '../arms/arm-table.js';
import { statisticsEvidence } from '../arms/evidence.js';
import { ArmLearner, nothingEarned } from '../arms/learner.js';
import type { LearnerPlugin } from '../learner.js';
import type { Statistics } from '../../policies/arms/statistics.js';
import { ucb1ConfigSchema, type Ucb1Config } from './config.js';

export type Ucb1State = SavedTable<Statistics>;

export const ucb1: LearnerPlugin<Ucb1Config, Ucb1State> = {
  kind: 'ucb1',
  incremental: true,
  configSchema: ucb1ConfigSchema,
  stateSchema: savedTableSchema(statisticsEvidence),
  create: (config, _deps, saved) =>
    new ArmLearner(
      {
        config,
        evidence: statisticsEvidence,
        outcomeOf: (reward) => reward,
        uncredited: nothingEarned(config),
        exportPolicy: (table) => ({
          family: UCB1_FAMILY,
          parameters: {
            ...table.levels(),
            prior: config.prior,
            exploration: config.exploration,
            range: config.reward.max - config.reward.min,
          },
        }),
      },
      saved,
    ),
};
