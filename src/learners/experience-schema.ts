/** What learners may rely on in an experience that came over the wire. */
import { z } from 'zod';
import type { Experience } from '../messages/decisions.js';

const finite = z.number().refine(Number.isFinite, 'must be finite');

const credits = z.array(z.looseObject({ id: z.string(), reward: finite })).optional();

/** Further fields pass through: a learner that is older than its stream still reads it. */
export const experienceSchema = z.looseObject({
  decisionId: z.string(),
  surface: z.string(),
  status: z.enum(['complete', 'censored', 'not-shown', 'refused', 'corrected']),
  slate: z.array(z.looseObject({ id: z.string(), propensity: finite, forced: z.literal(true).optional() })),
  eligible: z.array(z.string()),
  distribution: z.array(finite),
  boosts: z.record(z.string(), finite.positive()).optional(),
  context: z.record(z.string(), z.union([z.string(), finite, z.boolean()])),
  features: z.record(z.string(), z.record(z.string(), finite)),
  reward: finite,
  rewardedId: z.string().nullable(),
  credits,
  credit: z.literal('slate').optional(),
  state: z.string().optional(),
  episode: z.string().optional(),
  subject: z.record(z.string(), finite).optional(),
  observation: z.array(finite).optional(),
  step: z.number().int().nonnegative().optional(),
  ending: z.enum(['terminal', 'truncated', 'withdrawn']).optional(),
  next: z
    .object({
      state: z.string().optional(),
      observation: z.array(finite).optional(),
      eligible: z.array(z.string()),
      action: z.string().optional(),
    })
    .nullish(),
  corrects: z
    .looseObject({
      status: z.enum(['complete', 'censored', 'not-shown']),
      reward: finite,
      rewardedId: z.string().nullable(),
      credits,
    })
    .optional(),
});

/** Undefined for anything that is not an experience. */
export function parseExperience(body: unknown): Experience | undefined {
  const parsed = experienceSchema.safeParse(body);
  return parsed.success ? (parsed.data as unknown as Experience) : undefined;
}
