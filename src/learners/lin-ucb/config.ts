import { z } from 'zod';
import { checkLinearConfig, linearConfigShape } from '../linear/config.js';

export const linUcbConfigSchema = z
  .strictObject({
    ...linearConfigShape,
    /** α: how many deviations above its mean an arm is judged by. Larger ones explore more. */
    alpha: z.number().min(0).max(1e6).default(1),
  })
  .superRefine(checkLinearConfig)
  .readonly();
export type LinUcbConfig = z.infer<typeof linUcbConfigSchema>;
