/** The schema of each learned family's parameters: what an artifact carries. */
import type { ZodType } from 'zod';
import { EPSILON_GREEDY_FAMILY, epsilonGreedyParametersSchema } from '../../policies/epsilon-greedy/policy.js';
import { GAUSSIAN_THOMPSON_FAMILY, gaussianThompsonParametersSchema } from '../../policies/gaussian-thompson/policy.js';
import { linThompsonParametersSchema, linUcbParametersSchema } from '../../policies/linear/parameters.js';
import { LIN_TS_FAMILY, LIN_UCB_FAMILY, LOGISTIC_THOMPSON_FAMILY } from '../../policies/linear/policy.js';
import { mlpQParametersSchema } from '../../policies/mlp/parameters.js';
import { MLP_Q_FAMILY } from '../../policies/mlp/policy.js';
import { POPULARITY_FAMILY, popularityParametersSchema } from '../../policies/popularity/policy.js';
import { Q_TABLE_FAMILY, qTableParametersSchema } from '../../policies/q-table/policy.js';
import { SOFTMAX_FAMILY, softmaxParametersSchema } from '../../policies/softmax/policy.js';
import { BETA_THOMPSON_FAMILY, thompsonParametersSchema } from '../../policies/thompson/policy.js';
import { UCB1_FAMILY, ucb1ParametersSchema } from '../../policies/ucb1/policy.js';

/** One for each of LEARNED_FAMILIES; a spec says which is missing. */
export const FAMILY_SCHEMAS: Readonly<Record<string, ZodType>> = {
  [BETA_THOMPSON_FAMILY]: thompsonParametersSchema,
  [EPSILON_GREEDY_FAMILY]: epsilonGreedyParametersSchema,
  [GAUSSIAN_THOMPSON_FAMILY]: gaussianThompsonParametersSchema,
  [LIN_TS_FAMILY]: linThompsonParametersSchema,
  [LIN_UCB_FAMILY]: linUcbParametersSchema,
  [LOGISTIC_THOMPSON_FAMILY]: linThompsonParametersSchema,
  [MLP_Q_FAMILY]: mlpQParametersSchema,
  [POPULARITY_FAMILY]: popularityParametersSchema,
  [Q_TABLE_FAMILY]: qTableParametersSchema,
  [SOFTMAX_FAMILY]: softmaxParametersSchema,
  [UCB1_FAMILY]: ucb1ParametersSchema,
};
