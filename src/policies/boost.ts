import type { Candidate } from '../messages/decisions.js';
import { EngineError } from '../kernel/errors.js';
import type { Policy } from './policy.js';
import { assertDistribution } from './sampling.js';

/**
 * The policy whose probabilities are those of `policy` times a factor for each candidate, scaled to sum to 1:
 * p'_i = f_i·p_i / Σ f_j·p_j. So the result is a computed distribution like any other, it is what is logged, and
 * propensities stay exact. Scores stay as they are: a boost is not a better opinion. `distribution` throws Configuration
 * `BOOST_FACTOR` for a factor that is not a positive finite number, and Invariant `POLICY_DISTRIBUTION` rather than
 * scaling what is no distribution into one.
 */
export function withBoost(policy: Policy, factorOf: (candidate: Candidate) => number): Policy {
  return {
    ref: policy.ref,
    distribution(context, candidates) {
      const base = policy.distribution(context, candidates);
      assertDistribution(base, candidates.length);
      const factors = candidates.map(factorOf);
      let plain = true;
      for (const factor of factors) {
        if (!(factor > 0 && factor < Infinity))
          throw new EngineError('Configuration', 'BOOST_FACTOR', `A boost must be a positive number, not ${factor}.`);
        if (factor !== 1) plain = false;
      }
      // Most slates have nothing boosted in them: their distribution stays as it is to the last bit.
      if (plain) return base;
      const boosted = base.map((p, i) => p * factors[i]!);
      let total = 0;
      for (const p of boosted) total += p;
      return boosted.map((p) => p / total);
    },
    scores: (context, candidates) => policy.scores(context, candidates),
    explain: (context, candidates, index) => policy.explain(context, candidates, index),
  };
}
