/** Mean rewards of arms, acted on by Boltzmann exploration. See README.md. */
import { SOFTMAX_FAMILY } from '../../policies/softmax/policy.js';
import { savedTableSchema, type SavedTable } from '../arms/arm-table.js';
import { statisticsEvidence } from '../arms/evidence.js';
import { ArmLearner, nothingEarned } from '../arms/learner.js';
import type { LearnerPlugin } from '../learner.js';
import type { Statistics } from '../../policies/arms/statistics.js';
import { softmaxConfigSchema, type SoftmaxConfig } from './config.js';
import { scheduled } from '../arms/config.js';

export type SoftmaxState = SavedTable<Statistics>;

export const softmax: LearnerPlugin<SoftmaxConfig, SoftmaxState> = {
  kind: 'softmax',
  incremental: true,
  configSchema: softmaxConfigSchema,
  stateSchema: savedTableSchema(statisticsEvidence),
  create: (config, _deps, saved) =>
    new ArmLearner(
      {
        config,
        evidence: statisticsEvidence,
        outcomeOf: (reward) => reward,
        uncredited: nothingEarned(config),
        exportPolicy: (table) => ({
          family: SOFTMAX_FAMILY,
          parameters: {
            ...table.levels(),
            prior: config.prior,
            temperature: scheduled(config.temperature, table.learned),
          },
        }),
      },
      saved,
    ),
};
