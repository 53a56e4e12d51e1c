import { z } from 'zod';

export const betaThompsonConfigSchema = z
  .strictObject({
    /** [alpha, beta] of an arm that was never tried. */
    prior: z.tuple([z.number().min(0.5).max(1e6), z.number().min(0.5).max(1e6)]).default([1, 1]),
    /** Rewards from `min` to `max` become successes from 0 to 1; what lies outside is clamped. */
    reward: z
      .strictObject({ min: z.number().default(0), max: z.number().default(1) })
      .refine(({ min, max }) => max > min, 'max must be above min')
      .default({ min: 0, max: 1 }),
    /** What becomes of a decision that was closed before its window had passed. */
    censored: z.enum(['skip', 'learn']).default('skip'),
    /** On each trial an arm first forgets this share of what it knows beyond the prior; 0 never forgets. */
    forget: z.number().min(0).max(0.5).default(0),
    /** Arms remembered; experience of further ones is skipped. */
    armsMax: z.number().int().min(1).max(100_000).default(50_000),
  })
  .readonly();
export type BetaThompsonConfig = z.infer<typeof betaThompsonConfigSchema>;
