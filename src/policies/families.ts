import { MLP_Q_FAMILY, mlpQPolicy } from './mlp/policy.js';
import { POPULARITY_FAMILY, popularityPolicy } from './popularity/policy.js';
import { SOFTMAX_SCORE_FAMILY, softmaxScorePolicy } from './softmax-score/policy.js';
import { Q_TABLE_FAMILY, qTablePolicy } from './q-table/policy.js';
import type { PolicyFamily } from './source.js';
import { STATIC_FAMILY, staticPolicy } from './static/policy.js';
import { BETA_THOMPSON_FAMILY, thompsonPolicy } from './thompson/policy.js';

/**
 * Every family of policies: those of learned ones read artifacts from the registry, and all may be declared in
 * config/policies/*.yaml, a learned one with what it starts from.
 */
export const POLICY_FAMILIES: Readonly<Record<string, PolicyFamily>> = {
  [STATIC_FAMILY]: staticPolicy,
  [POPULARITY_FAMILY]: popularityPolicy,
  [SOFTMAX_SCORE_FAMILY]: softmaxScorePolicy,
  [BETA_THOMPSON_FAMILY]: thompsonPolicy,
  [Q_TABLE_FAMILY]: qTablePolicy,
  [MLP_Q_FAMILY]: mlpQPolicy,
};
