/** Bodies of evidence about one arm, as plain numbers. */
import { REWARD_MAX, statisticsSchema, type Statistics } from '../../policies/arms/statistics.js';
import type { ZodType } from 'zod';

/** How outcomes add up to evidence `E`; pure but for `add` and `revise`, which write to their first argument. */
export interface EvidenceKind<E> {
  readonly schema: ZodType<E>;
  /** What is known of an arm that was never tried. */
  fresh(): E;
  /** Expected outcome of the next trial. */
  mean(evidence: Readonly<E>): number;
  /** Keeps the share `keep`, in [0, 1], of what is known beyond `fresh`, and then adds one trial. */
  add(evidence: E, outcome: number, keep: number): void;
  /** Puts `to` in the place of an outcome `from` that was added before. */
  revise(evidence: E, from: number, to: number): void;
  /** A copy of which the share `keep` is kept. */
  kept(evidence: Readonly<E>, keep: number): E;
}

/** [n, mean, m2] of real outcomes (src/policies/arms/statistics.ts), by Welford's and West's update (1979). */
export const statisticsEvidence: EvidenceKind<Statistics> = {
  schema: statisticsSchema,
  fresh: () => [0, 0, 0],
  mean: ([, mean]) => mean,
  add(evidence, outcome, keep) {
    const n = keep * evidence[0] + 1;
    const away = outcome - evidence[1];
    evidence[0] = n;
    evidence[1] += away / n;
    evidence[2] = keep * evidence[2] + away * (outcome - evidence[1]);
  },
  revise(evidence, from, to) {
    const before = evidence[1];
    // Where the arm was forgotten since and tried anew, `from` is not in it: its mean stays a reward nevertheless.
    evidence[1] = Math.min(Math.max(before + (to - from) / evidence[0], -REWARD_MAX), REWARD_MAX);
    evidence[2] = Math.max(0, evidence[2] + (to - from) * (to - evidence[1] + (from - before)));
  },
  kept: ([n, mean, m2], keep) => [keep * n, mean, keep * m2],
};

export type BetaEvidence = [alpha: number, beta: number];

/** [alpha, beta] of a Beta posterior, the prior included; outcomes are successes from 0 to 1. */
export const betaEvidence = (
  prior: Readonly<BetaEvidence>,
  schema: ZodType<BetaEvidence>,
): EvidenceKind<BetaEvidence> => ({
  schema,
  fresh: () => [prior[0], prior[1]],
  mean: ([alpha, beta]) => alpha / (alpha + beta),
  add(evidence, outcome, keep) {
    evidence[0] = prior[0] + keep * (evidence[0] - prior[0]) + outcome;
    evidence[1] = prior[1] + keep * (evidence[1] - prior[1]) + (1 - outcome);
  },
  revise(evidence, from, to) {
    // What was forgotten meanwhile may be more than the trial has left: neither count falls below the prior.
    evidence[0] = Math.max(prior[0], evidence[0] + (to - from));
    evidence[1] = Math.max(prior[1], evidence[1] + (from - to));
  },
  kept: ([alpha, beta], keep) =>
    // Taking the prior off and on again costs digits, which a copy must not.
    keep === 1 ? [alpha, beta] : [prior[0] + keep * (alpha - prior[0]), prior[1] + keep * (beta - prior[1])],
});
