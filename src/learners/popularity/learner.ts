/** Counts what is chosen. See README.md. */
import { POPULARITY_FAMILY } from '../../policies/popularity/policy.js';
import { savedTableSchema, type SavedTable } from '../arms/arm-table.js';
import { statisticsEvidence } from '../arms/evidence.js';
import { ArmLearner, nothingEarned } from '../arms/learner.js';
import type { LearnerPlugin } from '../learner.js';
import type { Statistics } from '../../policies/arms/statistics.js';
import { popularityConfigSchema, type PopularityConfig } from './config.js';

/** What all trials of an arm earned together, forgetting included: for rewards of 0 and 1, how often it was chosen. */
const countsOf = (arms: Readonly<Record<string, Statistics>>): Record<string, number> =>
  Object.fromEntries(Object.entries(arms).map(([id, [n, mean]]) => [id, Math.max(0, n * mean)]));

export type PopularityState = SavedTable<Statistics>;

export const popularity: LearnerPlugin<PopularityConfig, PopularityState> = {
  kind: 'popularity',
  incremental: true,
  configSchema: popularityConfigSchema,
  stateSchema: savedTableSchema(statisticsEvidence),
  create: (config, _deps, saved) =>
    new ArmLearner(
      {
        config,
        evidence: statisticsEvidence,
        outcomeOf: (reward) => reward,
        uncredited: nothingEarned(config),
        exportPolicy: (table) => ({
          family: POPULARITY_FAMILY,
          parameters: { counts: countsOf(table.levels().arms), feature: config.feature, prior: config.prior },
        }),
      },
      saved,
    ),
};
