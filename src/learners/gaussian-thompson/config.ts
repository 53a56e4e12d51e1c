import { z } from 'zod';
import { armConfigShape } from '../arms/config.js';
import { gaussianPriorSchema, noiseSchema } from '../../policies/gaussian-thompson/posterior.js';

export const gaussianThompsonConfigSchema = z
  .strictObject({
    ...armConfigShape,
    /** What is believed of the mean of an arm that was never tried, worth `strength` trials. */
    prior: gaussianPriorSchema.default({ mean: 0.5, strength: 1 }),
    /** How far rewards of one arm scatter: a known variance, or one that is estimated arm by arm. */
    noise: noiseSchema.default({ kind: 'estimated', shape: 2, scale: 0.25 }),
  })
  .readonly();
export type GaussianThompsonConfig = z.infer<typeof gaussianThompsonConfigSchema>;
