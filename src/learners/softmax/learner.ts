/** Mean rewards of arms, acted on by Boltzmann exploration. See README.md. */
import { SOFTMAX_FAMILY } from '../../policies/softmax/policy.js';
import { scheduled } from '../arms/config.js';
import { statisticsLearner } from '../arms/statistics-learner.js';
import { softmaxConfigSchema, type SoftmaxConfig } from './config.js';

export const softmax = statisticsLearner({
  kind: 'softmax',
  configSchema: softmaxConfigSchema,
  exportPolicy: (config: SoftmaxConfig, table) => ({
    family: SOFTMAX_FAMILY,
    parameters: {
      ...table.levels(),
      prior: config.prior,
      temperature: scheduled(config.temperature, table.learned),
    },
  }),
});
