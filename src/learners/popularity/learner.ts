/** Counts what is chosen. See README.md. */
import { POPULARITY_FAMILY } from '../../policies/popularity/policy.js';
import { statisticsLearner } from '../arms/statistics-learner.js';
import type { Statistics } from '../../policies/arms/statistics.js';
import { popularityConfigSchema, type PopularityConfig } from './config.js';

/** What all trials of an arm earned together, forgetting included: for rewards of 0 and 1, how often it was chosen. */
const countsOf = (arms: Readonly<Record<string, Statistics>>): Record<string, number> =>
  Object.fromEntries(Object.entries(arms).map(([id, [n, mean]]) => [id, Math.max(0, n * mean)]));

export const popularity = statisticsLearner({
  kind: 'popularity',
  configSchema: popularityConfigSchema,
  exportPolicy: (config: PopularityConfig, table) => ({
    family: POPULARITY_FAMILY,
    parameters: { counts: countsOf(table.levels().arms), feature: config.feature, prior: config.prior },
  }),
});
