import { z } from 'zod';
import { armConfigShape, scheduleSchema } from '../arms/config.js';
import { armParametersShape } from '../../policies/arms/parameters.js';

export const epsilonGreedyConfigSchema = z
  .strictObject({
    ...armConfigShape,
    prior: armParametersShape.prior,
    /** Share of uniform decisions of the exported policy. With `halfAt` regret can grow ever slower; see README.md. */
    epsilon: scheduleSchema(1, { start: 0.1, min: 0.01 }),
  })
  .readonly();
export type EpsilonGreedyConfig = z.infer<typeof epsilonGreedyConfigSchema>;
