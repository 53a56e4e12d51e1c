import { POPULARITY_FAMILY, popularityPolicy } from './popularity/policy.js';
import { SOFTMAX_SCORE_FAMILY, softmaxScorePolicy } from './softmax-score/policy.js';
import type { PolicyFamily } from './source.js';
import { STATIC_FAMILY, staticPolicy } from './static/policy.js';

/** Families that need no learner: their policies are declared in config/policies/*.yaml. */
export const DECLARED_FAMILIES: Readonly<Record<string, PolicyFamily>> = {
  [STATIC_FAMILY]: staticPolicy,
  [POPULARITY_FAMILY]: popularityPolicy,
  [SOFTMAX_SCORE_FAMILY]: softmaxScorePolicy,
};
