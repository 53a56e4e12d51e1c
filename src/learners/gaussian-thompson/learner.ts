/** Normal posteriors of arms with real rewards. See README.md. */
import { GAUSSIAN_THOMPSON_FAMILY } from '../../policies/gaussian-thompson/policy.js';
import { savedTableSchema, type SavedTable } from '../arms/arm-table.js';
import { statisticsEvidence } from '../arms/evidence.js';
import { ArmLearner, nothingEarned } from '../arms/learner.js';
import type { LearnerPlugin } from '../learner.js';
import type { Statistics } from '../../policies/arms/statistics.js';
import { gaussianThompsonConfigSchema, type GaussianThompsonConfig } from './config.js';

export type GaussianThompsonState = SavedTable<Statistics>;

export const gaussianThompson: LearnerPlugin<GaussianThompsonConfig, GaussianThompsonState> = {
  kind: 'gaussian-thompson',
  incremental: true,
  configSchema: gaussianThompsonConfigSchema,
  stateSchema: savedTableSchema(statisticsEvidence),
  create: (config, _deps, saved) =>
    new ArmLearner(
      {
        config,
        evidence: statisticsEvidence,
        outcomeOf: (reward) => reward,
        uncredited: nothingEarned(config),
        exportPolicy: (table) => ({
          family: GAUSSIAN_THOMPSON_FAMILY,
          parameters: { ...table.levels(), prior: config.prior, noise: config.noise },
        }),
      },
      saved,
    ),
};
