import { z } from 'zod';
import { armConfigShape } from '../arms/config.js';
import { popularityParametersSchema } from '../../policies/popularity/policy.js';

const { segments: _, ...withoutSegments } = armConfigShape;
const { feature, prior } = popularityParametersSchema.shape;

/** Popularity is the same for everybody: there are no segments. */
export const popularityConfigSchema = z.strictObject({ ...withoutSegments, feature, prior }).readonly();
export type PopularityConfig = z.infer<typeof popularityConfigSchema>;
