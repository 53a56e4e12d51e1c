/** Mean rewards of arms, acted on ε-greedily. See README.md. */
import { EPSILON_GREEDY_FAMILY } from '../../policies/epsilon-greedy/policy.js';
import { scheduled } from '../arms/config.js';
import { statisticsLearner } from '../arms/statistics-learner.js';
import { epsilonGreedyConfigSchema, type EpsilonGreedyConfig } from './config.js';

export const epsilonGreedy = statisticsLearner({
  kind: 'epsilon-greedy',
  configSchema: epsilonGreedyConfigSchema,
  exportPolicy: (config: EpsilonGreedyConfig, table) => ({
    family: EPSILON_GREEDY_FAMILY,
    parameters: { ...table.levels(), prior: config.prior, epsilon: scheduled(config.epsilon, table.learned) },
  }),
});
