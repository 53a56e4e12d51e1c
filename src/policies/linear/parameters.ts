/** What the artifacts of the three linear families hold. */
import { z } from 'zod';
import { FeatureEncoder } from '../features/encoder.js';
import { featureSpecSchema, type FeatureSpec } from '../features/spec.js';
import { packedFloatsSchema, unpackFloat64 } from '../packed.js';
import { beliefProblem, beliefsSchema } from './beliefs.js';
import type { CovarianceKind } from './covariance.js';
import type { ModelShape } from './model.js';

/** Numbers in a vector whose covariance is full; twice as many cost four times the time and memory. */
export const FULL_SIZE_MAX = 256;
export const DRAWS_MAX = 4096;
/** Numbers in all draws together. */
const DRAWN_MAX = 256 * 1024;

export interface LinearFeatures {
  /** What each arm has weights of its own for. */
  readonly arm?: FeatureSpec | undefined;
  /** What has the same weights for all arms. */
  readonly shared?: FeatureSpec | undefined;
}

/** Fields that the learner's configuration and the artifact share. */
export const linearShape = {
  /** `arm` alone is a disjoint model, `shared` alone a shared one, both a hybrid one. */
  features: z
    .strictObject({ arm: featureSpecSchema.optional(), shared: featureSpecSchema.optional() })
    .refine(({ arm, shared }) => arm !== undefined || shared !== undefined, 'must have arm, shared, or both'),
  /** `diagonal` forgets how weights tie; for vectors that are too long for that. */
  covariance: z.enum(['full', 'diagonal']),
  /** λ: the prior variance of a weight is 1/λ, in units of the noise. */
  precision: z.number().min(1e-6).max(1e6),
};

interface LinearStructure {
  readonly features: LinearFeatures;
  readonly covariance: CovarianceKind;
  readonly precision: number;
}

export function shapeOf({ features, covariance, precision }: LinearStructure): ModelShape {
  const sizeOf = (spec: FeatureSpec | undefined): number => (spec === undefined ? 0 : new FeatureEncoder(spec).size);
  return { arm: sizeOf(features.arm), shared: sizeOf(features.shared), covariance, precision };
}

/** What is wrong with the structure as a whole, if anything. */
export function structureProblem(structure: LinearStructure): { message: string; path: string[] } | undefined {
  const { arm, shared, covariance } = shapeOf(structure);
  for (const [field, size] of Object.entries({ arm, shared }))
    if (covariance === 'full' && size > FULL_SIZE_MAX)
      return {
        message: `has ${size} numbers; ${FULL_SIZE_MAX} are allowed unless covariance is diagonal`,
        path: ['features', field],
      };
  if (covariance === 'diagonal' && arm > 0 && shared > 0)
    return { message: 'must be full where features has both arm and shared', path: ['covariance'] };
  return undefined;
}

const common = { ...linearShape, beliefs: beliefsSchema };

const thompsonFields = {
  /** v: deviations are multiplied by it; 1 is Thompson sampling where the noise has variance 1. */
  scale: z.number().min(0).max(1e6),
  /** Shape [draws, k]: the shared weights, drawn from their posterior. Only where some are shared. */
  draws: packedFloatsSchema.optional(),
};

export const linUcbParametersSchema = z
  .strictObject({
    ...common,
    /** α: how many deviations the upper bound is above the mean. */
    alpha: z.number().min(0).max(1e6),
  })
  .superRefine((parameters, context) => void check(parameters, context));

export const linThompsonParametersSchema = z
  .strictObject({ ...common, ...thompsonFields })
  .superRefine((parameters, context) => {
    if (!check(parameters, context)) return;
    const { draws } = parameters;
    const { shared } = shapeOf(parameters);
    const issue = (message: string, ...path: string[]): void =>
      context.addIssue({ code: 'custom', message, path: ['draws', ...path] });
    if (shared === 0) {
      if (draws !== undefined) issue('must be left out where nothing is shared');
      return;
    }
    if (draws === undefined) return issue('must be given where weights are shared');
    const [count = 0, width] = draws.shape;
    if (draws.shape.length !== 2 || count < 1 || count > DRAWS_MAX || width !== shared)
      return issue(`must be [1 to ${DRAWS_MAX}, ${shared}]`, 'shape');
    if (count * shared > DRAWN_MAX) issue(`must have at most ${DRAWN_MAX} numbers`, 'shape');
    if (unpackFloat64(draws).some((weight) => Math.abs(weight) > 1e12)) issue('holds weights out of range', 'data');
  });

export type LinUcbParameters = z.infer<typeof linUcbParametersSchema>;
export type LinThompsonParameters = z.infer<typeof linThompsonParametersSchema>;

/** How many draws a model with `shared` shared weights may have. */
export const drawsAllowed = (shared: number): number => Math.min(DRAWS_MAX, Math.floor(DRAWN_MAX / shared));

function check(
  parameters: LinearStructure & { beliefs: z.infer<typeof beliefsSchema> },
  context: z.RefinementCtx,
): boolean {
  // What is wrong in itself has been said, and is not to be unpacked.
  if (context.issues.length > 0) return false;
  const problem = structureProblem(parameters);
  if (problem !== undefined) context.addIssue({ code: 'custom', ...problem });
  else {
    const found = beliefProblem(parameters.beliefs, shapeOf(parameters));
    if (found === undefined) return true;
    context.addIssue({ code: 'custom', message: found.message, path: ['beliefs', ...found.path] });
  }
  return false;
}
