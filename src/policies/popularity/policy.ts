/** What is chosen often is shown often: probabilities in proportion to a count, smoothed. */
import { z } from 'zod';
import type { Candidate } from '../../messages/decisions.js';
import type { Policy } from '../policy.js';
import { parametersOf, type PolicySource } from '../source.js';

export const POPULARITY_FAMILY = 'popularity';

export const popularityParametersSchema = z.strictObject({
  /** The candidate feature that counts how often it was chosen; missing or negative is 0. */
  feature: z.string().min(1).max(64).default('popularity'),
  /** Added to each count (Laplace smoothing), so that new candidates are shown too. */
  prior: z.number().positive().max(1e9).default(1),
});

/** p_i = (n_i + prior) / Σ (n_j + prior). */
export function popularityPolicy(source: PolicySource): Policy {
  const { feature, prior } = parametersOf(popularityParametersSchema, source);
  const count = (candidate: Candidate): number => Math.min(Math.max(candidate.features[feature] ?? 0, 0), 1e300);
  return {
    ref: source.policy,
    distribution(_context, candidates) {
      const weights = candidates.map((candidate) => count(candidate) + prior);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return weights.map((weight) => weight / total);
    },
    scores: (_context, candidates) => candidates.map(count),
    explain: (_context, candidates, index) => {
      const chosen = count(candidates[index]!);
      return [{ code: 'popularity', text: `Chosen ${chosen} times before.`, contribution: chosen }];
    },
  };
}
