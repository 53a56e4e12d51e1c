/** Boltzmann exploration: the better an arm's mean, the likelier it is (Sutton and Barto, 2.8; Cesa-Bianchi et al. 2017). */
import { z } from 'zod';
import { armParametersShape, armReasons, armValues } from '../arms/parameters.js';
import { softmax } from '../exploration.js';
import type { Policy } from '../policy.js';
import { parametersOf, type PolicySource } from '../source.js';

export const SOFTMAX_FAMILY = 'softmax';

export const softmaxParametersSchema = z.strictObject({
  ...armParametersShape,
  /** In the reward's unit: a lead of one temperature makes an arm e times as likely. */
  temperature: z.number().positive().max(1e9),
});

/** Throws Configuration `POLICY_PARAMETERS`. p_i = exp(mean_i/T) / Σ exp(mean_j/T). */
export function softmaxPolicy(source: PolicySource): Policy {
  const parameters = parametersOf(softmaxParametersSchema, source);
  const values = armValues(parameters);
  return {
    ref: source.policy,
    distribution: (context, candidates) =>
      softmax(
        values(context, candidates).map(({ mean }) => mean),
        parameters.temperature,
      ),
    scores: (context, candidates) => values(context, candidates).map(({ mean }) => mean),
    explain: (context, candidates, index) => armReasons(values(context, candidates), index),
  };
}
