/** Bodies of evidence about one arm, as plain numbers. */
import { statisticsSchema, type Statistics } from '../../policies/arms/statistics.js';
import type { ZodType } from 'zod';

/** How outcomes add up to evidence `E`; pure but for `add`, which writes to its first argument. */
export interface EvidenceKind<E> {
  readonly schema: ZodType<E>;
  /** What is known of an arm that was never tried. */
  fresh(): E;
  /** Expected outcome of the next trial. */
  mean(evidence: Readonly<E>): number;
  /** Keeps the share `keep`, in [0, 1], of what is known beyond `fresh`, and then adds one trial. */
  add(evidence: E, outcome: number, keep: number): void;
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
  kept: ([alpha, beta], keep) =>
    // Taking the prior off and on again costs digits, which a copy must not.
    keep === 1 ? [alpha, beta] : [prior[0] + keep * (alpha - prior[0]), prior[1] + keep * (beta - prior[1])],
});
