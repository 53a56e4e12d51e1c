import { EPSILON_GREEDY_FAMILY, epsilonGreedyPolicy } from '../epsilon-greedy/policy.js';
import { GAUSSIAN_THOMPSON_FAMILY, gaussianThompsonPolicy } from '../gaussian-thompson/policy.js';
import {
  LIN_TS_FAMILY,
  LIN_UCB_FAMILY,
  linTsPolicy,
  linUcbPolicy,
  LOGISTIC_THOMPSON_FAMILY,
  logisticThompsonPolicy,
} from '../linear/policy.js';
import { MLP_Q_FAMILY, mlpQPolicy } from '../mlp/policy.js';
import { POPULARITY_FAMILY, popularityPolicy } from '../popularity/policy.js';
import { Q_TABLE_FAMILY, qTablePolicy } from '../q-table/policy.js';
import { SOFTMAX_FAMILY, softmaxPolicy } from '../softmax/policy.js';
import type { LearnedFamily } from '../source.js';
import { BETA_THOMPSON_FAMILY, thompsonPolicy } from '../thompson/policy.js';
import { UCB1_FAMILY, ucb1Policy } from '../ucb1/policy.js';

/** Families whose parameters learners export: their artifacts are read from the registry. */
export const LEARNED_FAMILIES: Readonly<Record<string, LearnedFamily>> = {
  [BETA_THOMPSON_FAMILY]: thompsonPolicy,
  [Q_TABLE_FAMILY]: qTablePolicy,
  [MLP_Q_FAMILY]: mlpQPolicy,
  [EPSILON_GREEDY_FAMILY]: epsilonGreedyPolicy,
  [GAUSSIAN_THOMPSON_FAMILY]: gaussianThompsonPolicy,
  [SOFTMAX_FAMILY]: softmaxPolicy,
  [UCB1_FAMILY]: ucb1Policy,
  [LIN_UCB_FAMILY]: linUcbPolicy,
  [LIN_TS_FAMILY]: linTsPolicy,
  [LOGISTIC_THOMPSON_FAMILY]: logisticThompsonPolicy,
  [POPULARITY_FAMILY]: popularityPolicy,
};
