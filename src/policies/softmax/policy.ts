/** Boltzmann exploration: the better an arm's mean, the likelier it is (Sutton and Barto, 2.8; Cesa-Bianchi et al. 2017). */
import { z } from 'zod';
import { armParametersShape, armReasons, armValues, packArms } from '../arms/parameters.js';
import { softmax } from '../exploration.js';
import { learnedFamily, parametersOf } from '../source.js';

export const SOFTMAX_FAMILY = 'softmax';

export const softmaxParametersSchema = z.strictObject({
  ...armParametersShape,
  /** In the reward's unit: a lead of one temperature makes an arm e times as likely. */
  temperature: z.number().positive().max(1e9),
});

/** Throws Configuration `POLICY_PARAMETERS`. p_i = exp(mean_i/T) / Σ exp(mean_j/T). */
export const softmaxPolicy = learnedFamily(
  (source) => {
    const parameters = parametersOf(softmaxParametersSchema, source);
    return { arms: packArms(parameters), temperature: parameters.temperature };
  },
  (ref, { arms, temperature }) => {
    const values = armValues(arms);
    return {
      ref,
      distribution: (context, candidates) =>
        softmax(
          values(context, candidates).map(({ mean }) => mean),
          temperature,
        ),
      scores: (context, candidates) => values(context, candidates).map(({ mean }) => mean),
      explain: (context, candidates, index) => armReasons(values(context, candidates), index),
    };
  },
);
