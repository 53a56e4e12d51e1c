/** ε-greedy over the arms' means: mostly the best one, now and then any (Sutton and Barto, 2.2). */
import { z } from 'zod';
import { armParametersShape, armReasons, armValues, packArms } from '../arms/parameters.js';
import { epsilonGreedy } from '../exploration.js';
import { learnedFamily, parametersOf } from '../source.js';

export const EPSILON_GREEDY_FAMILY = 'epsilon-greedy';

export const epsilonGreedyParametersSchema = z.strictObject({
  ...armParametersShape,
  /** The share of decisions that are made uniformly. */
  epsilon: z.number().min(0).max(1),
});

/** Throws Configuration `POLICY_PARAMETERS`. The largest mean gets 1 − ε, shared where several have it; each gets ε/n. */
export const epsilonGreedyPolicy = learnedFamily(
  (source) => {
    const parameters = parametersOf(epsilonGreedyParametersSchema, source);
    return { arms: packArms(parameters), epsilon: parameters.epsilon };
  },
  (ref, { arms, epsilon }) => {
    const values = armValues(arms);
    return {
      ref,
      distribution: (context, candidates) =>
        epsilonGreedy(
          values(context, candidates).map(({ mean }) => mean),
          epsilon,
        ),
      scores: (context, candidates) => values(context, candidates).map(({ mean }) => mean),
      explain: (context, candidates, index) => armReasons(values(context, candidates), index),
    };
  },
);
