import { z } from 'zod';
import { TABULAR_FIELDS } from '../tabular/config.js';

export const qLearningConfigSchema = z
  .strictObject({
    ...TABULAR_FIELDS,
    /** Two tables that judge each other's choice (van Hasselt 2010): no overestimation where rewards are noisy. */
    double: z.boolean().default(false),
  })
  .readonly();
export type QLearningConfig = z.infer<typeof qLearningConfigSchema>;
