/** Normal posteriors of arms with real rewards. See README.md. */
import { GAUSSIAN_THOMPSON_FAMILY } from '../../policies/gaussian-thompson/policy.js';
import { statisticsLearner } from '../arms/statistics-learner.js';
import { gaussianThompsonConfigSchema, type GaussianThompsonConfig } from './config.js';

export const gaussianThompson = statisticsLearner({
  kind: 'gaussian-thompson',
  configSchema: gaussianThompsonConfigSchema,
  exportPolicy: (config: GaussianThompsonConfig, table) => ({
    family: GAUSSIAN_THOMPSON_FAMILY,
    parameters: { ...table.levels(), prior: config.prior, noise: config.noise },
  }),
});
