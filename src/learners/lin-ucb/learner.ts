/** Ridge regression of rewards, acted on by its upper confidence bound. See README.md. */
import { LIN_UCB_FAMILY } from '../../policies/linear/policy.js';
import type { LearnerPlugin } from '../learner.js';
import { LinearLearner, linearStateSchema, type LinearState } from '../linear/learner.js';
import { linUcbConfigSchema, type LinUcbConfig } from './config.js';

export const linUcb: LearnerPlugin<LinUcbConfig, LinearState> = {
  kind: 'lin-ucb',
  incremental: true,
  configSchema: linUcbConfigSchema,
  stateSchema: linearStateSchema,
  create: (config, deps, saved) =>
    new LinearLearner(
      { config, family: LIN_UCB_FAMILY, link: 'identity', rule: { kind: 'ucb', alpha: config.alpha } },
      deps,
      saved,
    ),
};
