import { z } from 'zod';
import { armConfigShape } from '../arms/config.js';

export const betaThompsonConfigSchema = z
  .strictObject({
    ...armConfigShape,
    /** [alpha, beta] of an arm that was never tried. */
    prior: z.tuple([z.number().min(0.5).max(1e6), z.number().min(0.5).max(1e6)]).default([1, 1]),
  })
  .readonly();
export type BetaThompsonConfig = z.infer<typeof betaThompsonConfigSchema>;
