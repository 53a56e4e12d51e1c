/** What is chosen often is shown often: probabilities in proportion to a count, smoothed. */
import { z } from 'zod';
import type { Candidate, PolicyRef } from '../../messages/decisions.js';
import { numbersByKey } from '../evidence-rows.js';
import type { Policy } from '../policy.js';
import { packRows, readNumber, RowTable, type PackedRows } from '../row-table.js';
import { learnedFamily, parametersOf } from '../source.js';

export const POPULARITY_FAMILY = 'popularity';

export const popularityParametersSchema = z.strictObject({
  /** Candidate id → how often it was chosen, as a learner has counted. */
  counts: numbersByKey({ min: 0, max: 1e300 }).default({}),
  /** Of candidates that are not in `counts`, the feature that says it; missing or negative is 0. */
  feature: z.string().min(1).max(64).default('popularity'),
  /** Added to each count (Laplace smoothing), so that new candidates are shown too. */
  prior: z.number().positive().max(1e9).default(1),
});

/** p_i = (n_i + prior) / Σ (n_j + prior). */
export const popularityPolicy = learnedFamily((source): PopularityForm => {
  const { counts, feature, prior } = parametersOf(popularityParametersSchema, source);
  return { counts: packRows(counts, 1), feature, prior };
}, policyOfForm);

interface PopularityForm {
  readonly counts: PackedRows;
  readonly feature: string;
  readonly prior: number;
}

function policyOfForm(ref: PolicyRef, { counts, feature, prior }: PopularityForm): Policy {
  const counted = new RowTable(counts, readNumber);
  const count = ({ id, features }: Candidate): number =>
    counted.get(id) ?? Math.min(Math.max(features[feature] ?? 0, 0), 1e300);
  return {
    ref,
    distribution(_context, candidates) {
      const weights = candidates.map((candidate) => count(candidate) + prior);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return weights.map((weight) => weight / total);
    },
    scores: (_context, candidates) => candidates.map(count),
    explain: (_context, candidates, index) => {
      const chosen = count(candidates[index]!);
      return [{ code: 'popularity', text: `Chosen ${Math.round(chosen)} times before.`, contribution: chosen }];
    },
  };
}
