import { z } from 'zod';
import { checkLinearConfig, linearConfigShape, thompsonConfigShape } from '../linear/config.js';

export const logisticThompsonConfigSchema = z
  .strictObject({
    ...linearConfigShape,
    scale: thompsonConfigShape.scale(1),
    draws: thompsonConfigShape.draws,
  })
  .superRefine(checkLinearConfig)
  .readonly();
export type LogisticThompsonConfig = z.infer<typeof logisticThompsonConfigSchema>;
