/** Ridge regression of rewards, acted on by Thompson sampling. See README.md. */
import { LIN_TS_FAMILY } from '../../policies/linear/policy.js';
import type { LearnerPlugin } from '../learner.js';
import { LinearLearner, linearStateSchema, type LinearState } from '../linear/learner.js';
import { linTsConfigSchema, type LinTsConfig } from './config.js';

export const linTs: LearnerPlugin<LinTsConfig, LinearState> = {
  kind: 'lin-ts',
  incremental: true,
  configSchema: linTsConfigSchema,
  stateSchema: linearStateSchema,
  create: (config, deps, saved) =>
    new LinearLearner(
      { config, family: LIN_TS_FAMILY, link: 'identity', rule: { kind: 'thompson', scale: config.scale } },
      deps,
      saved,
    ),
};
