/** Mean rewards and trials of arms, acted on by optimism. See README.md. */
import { UCB1_FAMILY } from '../../policies/ucb1/policy.js';
import { statisticsLearner } from '../arms/statistics-learner.js';
import { ucb1ConfigSchema, type Ucb1Config } from './config.js';

export const ucb1 = statisticsLearner({
  kind: 'ucb1',
  configSchema: ucb1ConfigSchema,
  exportPolicy: (config: Ucb1Config, table) => ({
    family: UCB1_FAMILY,
    parameters: {
      ...table.levels(),
      prior: config.prior,
      exploration: config.exploration,
      range: config.reward.max - config.reward.min,
    },
  }),
});
