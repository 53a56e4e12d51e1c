import { z } from 'zod';

export type GateOutcome = 'promoted' | 'rejected' | 'undecided';

/**
 * Promoted: `better`. Rejected: `worse` than live policy or anchor, `unsupported` or `unanswered` or `shifted` (guardrails),
 * `not-shown-better` within decisionsMax, or `no-progress` within patience, `live-changed` by somebody else. Undecided:
 * `gathering` evidence, or `guarded`: there is enough, and a guardrail still stands against it.
 */
const REASONS = [
  'better',
  'worse',
  'unsupported',
  'unanswered',
  'shifted',
  'not-shown-better',
  'no-progress',
  'live-changed',
  'gathering',
  'guarded',
] as const;
export type GateReason = (typeof REASONS)[number];

const comparisonSchema = z.object({
  /** Of the policy it was compared with; left out by builds that compared with none but the learner's own. */
  policyId: z.string().optional(),
  version: z.number().int().nonnegative(),
  difference: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]),
  pBetter: z.number(),
  pWorse: z.number(),
  evidence: z.number(),
  evidenceMax: z.number(),
  unsupported: z.number(),
  clippedShare: z.number(),
});

/** A verdict with everything it was reached by. Rewards and differences are in the unit of the surface's reward. */
export const gateVerdictSchema = z.object({
  policyId: z.string(),
  /** Which of this learner's candidates it is, from 1. */
  candidate: z.number().int().positive(),
  /** The version it was given, and has where it was promoted. */
  version: z.number().int().nonnegative(),
  outcome: z.enum(['promoted', 'rejected', 'undecided']),
  reason: z.enum(REASONS),
  /** For a person, with the numbers that mattered. */
  text: z.string(),
  /** Its share of the error budget, and the evidence that takes: ln(1/alpha). */
  alpha: z.number(),
  evidenceNeeded: z.number(),
  /** Held-out decisions it was judged by, and those among them on which a policy had no answer. */
  decisions: z.number().int().nonnegative(),
  unanswered: z.number().int().nonnegative(),
  effectiveSamples: z.number(),
  /** Self-normalised estimate of the candidate's mean reward; null before the first decision. */
  rewardMean: z.number().nullable(),
  /** Mean total variation distance from the live policy. */
  shift: z.number(),
  live: comparisonSchema,
  anchor: comparisonSchema,
  /** When the last decision it was judged by was closed; 0 before the first. */
  judgedAtMs: z.number(),
});
export type GateVerdict = z.infer<typeof gateVerdictSchema>;
