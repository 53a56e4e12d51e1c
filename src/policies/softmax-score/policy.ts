/** A softmax over a score that candidates bring along, such as a prediction of demand. */
import { z } from 'zod';
import type { Candidate } from '../../messages/decisions.js';
import { softmax } from '../exploration.js';
import type { Policy } from '../policy.js';
import { rounded } from '../rounded.js';
import { parametersOf, type PolicySource } from '../source.js';

export const SOFTMAX_SCORE_FAMILY = 'softmax-score';

export const softmaxScoreParametersSchema = z.strictObject({
  /** The candidate feature that is the score; 0 where a candidate lacks it. */
  feature: z.string().min(1).max(64),
  /** In the score's unit: a lead of one temperature makes a candidate e times as likely. */
  temperature: z.number().positive().max(1e9),
});

/** p_i = exp(s_i/T) / Σ exp(s_j/T). */
export function softmaxScorePolicy(source: PolicySource): Policy {
  const { feature, temperature } = parametersOf(softmaxScoreParametersSchema, source);
  const scores = (candidates: readonly Candidate[]): number[] =>
    candidates.map((candidate) => candidate.features[feature] ?? 0);
  return {
    ref: source.policy,
    distribution: (_context, candidates) => softmax(scores(candidates), temperature),
    scores: (_context, candidates) => scores(candidates),
    explain: (_context, candidates, index) => {
      const score = candidates[index]!.features[feature] ?? 0;
      return [{ code: 'score', text: `Its ${feature} is ${rounded(score)}.`, contribution: score }];
    },
  };
}
