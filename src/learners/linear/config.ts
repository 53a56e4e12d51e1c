/** What every learner of a linear model lets its operator set. */
import { z } from 'zod';
import { ARTIFACT_BYTES_MAX } from '../../policies/artifact.js';
import { tiesOf } from '../../policies/linear/covariance.js';
import { drawsAllowed, DRAWS_MAX, linearShape, shapeOf, structureProblem } from '../../policies/linear/parameters.js';
import type { ModelShape } from '../../policies/linear/model.js';
import { creditFields } from '../credit.js';

/** Fields of the configuration, to be spread into a kind's own schema; `refined` makes that one whole. */
export const linearConfigShape = {
  /** What the model sees. By default nothing but a constant for each arm, which makes arms alike in all contexts. */
  features: linearShape.features.default({ arm: { version: 1, terms: [{ kind: 'bias' }] } }),
  covariance: linearShape.covariance.default('full'),
  /** λ of ridge regression. */
  precision: linearShape.precision.default(1),
  reward: creditFields.reward,
  censored: creditFields.censored,
  /** The share of what it knows beyond the prior that a belief forgets with each of its own observations. */
  forget: z.number().min(0).max(0.5).default(0),
  /**
   * Arms remembered; beyond it the one that was not learned from for longest is forgotten. Left out: as many as an
   * artifact has room for, but at most 1,000.
   */
  armsMax: z.number().int().min(1).max(50_000).optional(),
};

/** Further fields of the kinds that draw. */
export const thompsonConfigShape = {
  /** v: deviations are multiplied by it. Larger ones explore more. */
  scale: (byDefault: number) => z.number().min(0).max(1e6).default(byDefault),
  /**
   * Draws of the shared weights that a version of the policy holds. A chance is a multiple of 1/draws where nothing but
   * shared weights matters. Left out: 256, or 32 in a hybrid model.
   */
  draws: z.number().int().min(1).max(DRAWS_MAX).optional(),
};

const linearConfigSchema = z.strictObject(linearConfigShape);
export type LinearConfig = z.infer<typeof linearConfigSchema> & { readonly draws?: number | undefined };

const ARMS_BY_DEFAULT = 1000;
const DRAWS_BY_DEFAULT = 256;
const HYBRID_DRAWS_BY_DEFAULT = 32;
/** An id of 256 characters, each escaped, and a count. */
const ARM_ENVELOPE_BYTES = 1600;
const ENVELOPE_BYTES = 64 * 1024;
const BASE64 = 4 / 3;

/** Arms that an artifact has room for. */
export function armsAllowed(config: LinearConfig): number {
  const { arm, shared, covariance } = shapeOf(config);
  const width = covariance === 'full' ? tiesOf : (): number => 0;
  const fixed =
    ENVELOPE_BYTES +
    Buffer.byteLength(JSON.stringify(config.features)) +
    BASE64 * (16 * shared + 4 * width(shared) + 4 * drawsOf(config) * shared);
  const each = ARM_ENVELOPE_BYTES + BASE64 * (16 * arm + 4 * width(arm) + 4 * arm * shared);
  return Math.floor((ARTIFACT_BYTES_MAX - fixed) / each);
}

export const armsMaxOf = (config: LinearConfig): number =>
  config.armsMax ?? Math.min(ARMS_BY_DEFAULT, armsAllowed(config));

/** How many draws a version of the policy holds; none where nothing is shared. */
export function drawsOf(config: LinearConfig): number {
  const { arm, shared }: ModelShape = shapeOf(config);
  if (shared === 0) return 0;
  const byDefault = arm > 0 ? HYBRID_DRAWS_BY_DEFAULT : DRAWS_BY_DEFAULT;
  return config.draws ?? Math.min(byDefault, drawsAllowed(shared));
}

/** Checks what no field can see by itself; for `superRefine`. */
export function checkLinearConfig(config: LinearConfig, context: z.RefinementCtx): void {
  // Features that are wrong in themselves have been refused, and make no model.
  if (context.issues.length > 0) return;
  const issue = (message: string, ...path: string[]): void => context.addIssue({ code: 'custom', message, path });
  const problem = structureProblem(config);
  if (problem !== undefined) return issue(problem.message, ...problem.path);
  const { arm, shared } = shapeOf(config);
  // What one arm's forgetting would do to the shared weights is no update of rank one.
  if (config.forget > 0 && arm > 0 && shared > 0)
    return issue('must be 0 where features has both arm and shared', 'forget');
  if (config.draws !== undefined && shared > 0 && config.draws > drawsAllowed(shared))
    return issue(`may be ${drawsAllowed(shared)} with ${shared} shared weights`, 'draws');
  const allowed = armsAllowed(config);
  if (allowed < 1) return issue('make a model for which an artifact has no room', 'features');
  if (arm > 0 && config.armsMax !== undefined && config.armsMax > allowed)
    issue(`may be ${allowed}: an artifact has no room for more`, 'armsMax');
}
