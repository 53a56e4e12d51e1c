/** Learners of independent arms that remember rewards as they are: kinds differ only in the policy they export. */
import type { z } from 'zod';
import type { Statistics } from '../../policies/arms/statistics.js';
import type { LearnerPlugin, PolicyExport } from '../learner.js';
import { savedTableSchema, type ArmTable, type SavedTable } from './arm-table.js';
import type { ArmConfig } from './config.js';
import { statisticsEvidence } from './evidence.js';
import { ArmLearner } from './learner.js';

export interface StatisticsKind<Config extends ArmConfig> {
  readonly kind: string;
  readonly configSchema: z.ZodType<Config>;
  readonly exportPolicy: (config: Config, table: ArmTable<Statistics>) => PolicyExport;
}

export const statisticsLearner = <Config extends ArmConfig>({
  kind,
  configSchema,
  exportPolicy,
}: StatisticsKind<Config>): LearnerPlugin<Config, SavedTable<Statistics>> => ({
  kind,
  incremental: true,
  configSchema,
  stateSchema: savedTableSchema(statisticsEvidence),
  create: (config, _deps, saved) =>
    new ArmLearner(
      {
        config,
        evidence: statisticsEvidence,
        outcomeOf: (reward) => reward,
        exportPolicy: (table) => exportPolicy(config, table),
      },
      saved,
    ),
});
