import { z } from 'zod';
import { armConfigShape, scheduleSchema } from '../arms/config.js';
import { armParametersShape } from '../../policies/arms/parameters.js';

export const softmaxConfigSchema = z
  .strictObject({
    ...armConfigShape,
    prior: armParametersShape.prior,
    /** In the reward's unit: a lead of one temperature makes an arm e times as likely. */
    temperature: scheduleSchema(1e9, { start: 0.1, min: 0.01 }),
  })
  .readonly();
export type SoftmaxConfig = z.infer<typeof softmaxConfigSchema>;
