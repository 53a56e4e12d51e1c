/** Logistic regression of rewards between two bounds, acted on by Thompson sampling. See README.md. */
import { LOGISTIC_THOMPSON_FAMILY } from '../../policies/linear/policy.js';
import type { LearnerPlugin } from '../learner.js';
import { LinearLearner, linearStateSchema, type LinearState } from '../linear/learner.js';
import { logisticThompsonConfigSchema, type LogisticThompsonConfig } from './config.js';

export const logisticThompson: LearnerPlugin<LogisticThompsonConfig, LinearState> = {
  kind: 'logistic-thompson',
  incremental: true,
  configSchema: logisticThompsonConfigSchema,
  stateSchema: linearStateSchema,
  create: (config, deps, saved) =>
    new LinearLearner(
      { config, family: LOGISTIC_THOMPSON_FAMILY, link: 'logistic', rule: { kind: 'thompson', scale: config.scale } },
      deps,
      saved,
    ),
};
