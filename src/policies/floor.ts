import { EngineError } from '../kernel/errors.js';
import type { Policy } from './policy.js';

/** A policy whose distribution has an exploration floor mixed in. */
export interface FlooredPolicy extends Policy {
  /** The share of uniform exploration in the distribution, [0, 1). */
  readonly floor: number;
}

/**
 * The policy that is `policy` with probability 1 − epsilon and uniform otherwise: p' = (1 − ε)·p + ε/n. A policy is
 * its mixed distribution, so this is the distribution that is logged. Throws Configuration `FLOOR_RANGE` for an ε
 * outside [0, 1).
 */
export function withFloor(policy: Policy, epsilon: number): FlooredPolicy {
  if (!(epsilon >= 0 && epsilon < 1))
    throw new EngineError('Configuration', 'FLOOR_RANGE', `An exploration floor must be in [0, 1), not ${epsilon}.`);
  return {
    ref: policy.ref,
    floor: epsilon,
    distribution(context, candidates) {
      const base = policy.distribution(context, candidates);
      if (epsilon === 0) return base;
      const share = epsilon / base.length;
      return base.map((p) => (1 - epsilon) * p + share);
    },
    scores: (context, candidates) => policy.scores(context, candidates),
    explain: (context, candidates, index) => policy.explain(context, candidates, index),
  };
}
