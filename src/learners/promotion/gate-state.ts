import { z } from 'zod';
import { artifactSchema } from '../../policies/artifact.js';
import { savedComparisonSchema } from './comparison.js';
import { gateVerdictSchema } from '../../messages/gate-verdict.js';

const finite = z.number().refine(Number.isFinite, 'must be finite');
const count = z.number().int().nonnegative();

/** Sums over the held-out decisions that a challenger was judged by. */
export const savedTrialSchema = z.strictObject({
  decisions: count,
  unanswered: count,
  /** Of the candidate's weights π/μ, cut at weightMax: their sum, of their squares, and with the reward. */
  weight: finite,
  square: finite,
  weighted: finite,
  shift: finite,
  judgedAtMs: finite,
  live: savedComparisonSchema,
  anchor: savedComparisonSchema,
});
export type SavedTrial = z.infer<typeof savedTrialSchema>;

/** Everything a gate needs to go on exactly as it would have: part of the learner's checkpoint. */
export const savedGateSchema = z.strictObject({
  /** Candidates so far, which is what the error budget is spent on, and the highest version given to one. */
  candidates: count,
  lastVersion: count,
  /** Held-out experiences so far, whether or not they judged anything. */
  heldOut: count,
  champion: artifactSchema.nullable(),
  anchor: artifactSchema.nullable(),
  challenger: z.strictObject({ artifact: artifactSchema, trial: savedTrialSchema }).nullable(),
  /** Reached, and not yet acted upon. */
  verdict: gateVerdictSchema.nullable(),
  /** The last one that was. */
  settled: gateVerdictSchema.nullable(),
});
export type SavedGate = z.infer<typeof savedGateSchema>;
