import { LEARNED_FAMILIES } from './registry/learned-families.js';
import { SOFTMAX_SCORE_FAMILY, softmaxScorePolicy } from './softmax-score/policy.js';
import type { PolicyFamily } from './source.js';
import { STATIC_FAMILY, staticPolicy } from './static/policy.js';

/** Every family that config/policies/*.yaml may declare; a learned one with what it starts from. */
export const POLICY_FAMILIES: Readonly<Record<string, PolicyFamily>> = {
  [STATIC_FAMILY]: staticPolicy,
  [SOFTMAX_SCORE_FAMILY]: softmaxScorePolicy,
  ...LEARNED_FAMILIES,
};
