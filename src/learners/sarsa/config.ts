import { z } from 'zod';
import { TABULAR_FIELDS } from '../tabular/config.js';

export const sarsaConfigSchema = z.strictObject(TABULAR_FIELDS).readonly();
export type SarsaConfig = z.infer<typeof sarsaConfigSchema>;
