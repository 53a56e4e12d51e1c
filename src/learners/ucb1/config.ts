import { z } from 'zod';
import { armConfigShape } from '../arms/config.js';
import { armParametersShape } from '../../policies/arms/parameters.js';

export const ucb1ConfigSchema = z
  .strictObject({
    ...armConfigShape,
    prior: armParametersShape.prior,
    /** Rewards' ranges times √(2 ln N / n) is an arm's bonus, times this; 1 is UCB1, less explores less. */
    exploration: z.number().min(0).max(1e3).default(1),
  })
  .readonly();
export type Ucb1Config = z.infer<typeof ucb1ConfigSchema>;
