import { z } from 'zod';
import { checkLinearConfig, linearConfigShape, thompsonConfigShape } from '../linear/config.js';

export const linTsConfigSchema = z
  .strictObject({
    ...linearConfigShape,
    // Half is the largest deviation of a reward between 0 and 1.
    scale: thompsonConfigShape.scale(0.5),
    draws: thompsonConfigShape.draws,
  })
  .superRefine(checkLinearConfig)
  .readonly();
export type LinTsConfig = z.infer<typeof linTsConfigSchema>;
