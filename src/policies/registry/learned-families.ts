import { MLP_Q_FAMILY, mlpQPolicy } from '../mlp/policy.js';
import { Q_TABLE_FAMILY, qTablePolicy } from '../q-table/policy.js';
import type { PolicyFamily } from '../source.js';
import { BETA_THOMPSON_FAMILY, thompsonPolicy } from '../thompson/policy.js';

/** Families whose parameters learners export. */
export const LEARNED_FAMILIES: Readonly<Record<string, PolicyFamily>> = {
  [BETA_THOMPSON_FAMILY]: thompsonPolicy,
  [Q_TABLE_FAMILY]: qTablePolicy,
  [MLP_Q_FAMILY]: mlpQPolicy,
};
