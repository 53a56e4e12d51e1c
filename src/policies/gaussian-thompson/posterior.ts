/** What is believed of the mean of one arm whose rewards are Normal. */
import { z } from 'zod';
import { REWARD_MAX, type Statistics } from '../arms/statistics.js';

const bounded = z.number().min(-REWARD_MAX).max(REWARD_MAX);

export const gaussianPriorSchema = z.strictObject({
  mean: bounded,
  /** In trials: κ₀. */
  strength: z.number().min(1e-6).max(1e9),
});

export const noiseSchema = z.discriminatedUnion('kind', [
  /** Rewards of every arm scatter with this variance. */
  z.strictObject({ kind: z.literal('known'), variance: z.number().min(1e-18).max(1e18) }),
  /**
   * The variance is inverse-gamma(shape, scale) before any trial and is learned with the mean. From a shape of 1 on the
   * belief about a mean has an expectation, and the quadrature its accuracy.
   */
  z.strictObject({
    kind: z.literal('estimated'),
    shape: z.number().min(1).max(1e9),
    scale: z.number().min(1e-18).max(1e18),
  }),
]);

export type GaussianPrior = z.infer<typeof gaussianPriorSchema>;
export type Noise = z.infer<typeof noiseSchema>;

/** Student's t with `freedom` degrees of freedom, moved and stretched; Normal where they are Infinity. */
export interface MeanPosterior {
  readonly location: number;
  readonly scale: number;
  readonly freedom: number;
}

/**
 * κ = κ₀ + n, location = (κ₀m₀ + n·x̄)/κ. With a known variance the mean is Normal(location, σ²/κ). Otherwise it is
 * Normal-inverse-gamma with a = a₀ + n/2, b = b₀ + m2/2 + κ₀n(x̄ − m₀)²/(2κ), whose mean is Student's t with 2a degrees of
 * freedom and scale² b/(aκ) (K. Murphy, Conjugate Bayesian analysis of the Gaussian distribution, 2007).
 */
export function meanPosterior([n, mean, m2]: Readonly<Statistics>, prior: GaussianPrior, noise: Noise): MeanPosterior {
  const kappa = prior.strength + n;
  const location = prior.mean + (n / kappa) * (mean - prior.mean);
  if (noise.kind === 'known') return { location, scale: Math.sqrt(noise.variance / kappa), freedom: Infinity };
  const shape = noise.shape + n / 2;
  const scale = noise.scale + m2 / 2 + (prior.strength * n * (mean - prior.mean) ** 2) / (2 * kappa);
  return { location, scale: Math.sqrt(scale / (shape * kappa)), freedom: 2 * shape };
}
