/** ε-greedy over the arms' means: mostly the best one, now and then any (Sutton and Barto, 2.2). */
import { z } from 'zod';
import { armParametersShape, armReasons, armValues } from '../arms/parameters.js';
import { epsilonGreedy } from '../exploration.js';
import type { Policy } from '../policy.js';
import { parametersOf, type PolicySource } from '../source.js';

export const EPSILON_GREEDY_FAMILY = 'epsilon-greedy';

export const epsilonGreedyParametersSchema = z.strictObject({
  ...armParametersShape,
  /** The share of decisions that are made uniformly. */
  epsilon: z.number().min(0).max(1),
});

/** Throws Configuration `POLICY_PARAMETERS`. The largest mean gets 1 − ε, shared where several have it; each gets ε/n. */
export function epsilonGreedyPolicy(source: PolicySource): Policy {
  const parameters = parametersOf(epsilonGreedyParametersSchema, source);
  const values = armValues(parameters);
  return {
    ref: source.policy,
    distribution: (context, candidates) =>
      epsilonGreedy(
        values(context, candidates).map(({ mean }) => mean),
        parameters.epsilon,
      ),
    scores: (context, candidates) => values(context, candidates).map(({ mean }) => mean),
    explain: (context, candidates, index) => armReasons(values(context, candidates), index),
  };
}
