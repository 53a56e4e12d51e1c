/** What every learner of independent arms lets its operator set. */
import { z } from 'zod';
import { creditFields, type RewardBounds } from '../credit.js';

/** Arms over all segments that an artifact may carry: more would not fit its 8 MB. */
const SEGMENT_ARMS_MAX = 50_000;

export const segmentsSchema = z
  .strictObject({
    /** What the evidence of all other segments weighs at most in one of them, in trials of an arm. */
    priorWeight: z.number().min(0).max(1e6).default(20),
    /** Segments remembered; beyond it the one that was not learned from for longest is forgotten. */
    max: z.number().int().min(1).max(10_000).default(200),
    /** Arms remembered in one segment, likewise. */
    armsMax: z.number().int().min(1).max(10_000).default(100),
  })
  .refine(({ max, armsMax }) => max * armsMax <= SEGMENT_ARMS_MAX, {
    message: `max · armsMax must be at most ${SEGMENT_ARMS_MAX}`,
    path: ['max'],
  });

/** Fields of the configuration, to be spread into a kind's own schema. */
export const armConfigShape = {
  reward: creditFields.reward,
  censored: creditFields.censored,
  corrections: creditFields.corrections,
  /** The share of what it knows beyond the prior that an arm forgets at a time; 0 never forgets. */
  forget: z.number().min(0).max(0.5).default(0),
  /**
   * When an arm forgets: on each `trial` of its own, or with each `experience` of whatever arm. The first keeps what is
   * known of rarely shown arms, the second lets it fade, so that they are tried again after the world has changed.
   */
  forgetPer: z.enum(['trial', 'experience']).default('trial'),
  /** Arms remembered; beyond it the one that was not tried for longest is forgotten. */
  armsMax: z.number().int().min(1).max(100_000).default(50_000),
  /** Keep evidence by segment (the surface's `state`) too; left out, all decisions are alike. */
  segments: segmentsSchema.optional(),
};

export interface ArmConfig {
  readonly reward: RewardBounds;
  readonly censored: 'skip' | 'learn';
  readonly corrections: 'skip' | 'learn';
  readonly forget: number;
  readonly forgetPer: 'trial' | 'experience';
  readonly armsMax: number;
  readonly segments?: z.infer<typeof segmentsSchema> | undefined;
}

/** A quantity that shrinks while experience is gathered. */
export const scheduleSchema = (largest: number, defaults: { start: number; min: number }) =>
  z
    .strictObject({
      start: z.number().positive().max(largest).default(defaults.start),
      min: z.number().positive().max(largest).default(defaults.min),
      /** Experiences after which it is half of `start`; it stays at `start` if left out. */
      halfAt: z.number().positive().max(1e12).optional(),
    })
    .refine(({ start, min }) => min <= start, { message: 'must be at most start', path: ['min'] })
    .default({ ...defaults });
export type Schedule = z.infer<ReturnType<typeof scheduleSchema>>;

/** start / (1 + learned/halfAt), but at least `min`: the 1/t of Auer et al. (2002) ε_n-greedy. */
export const scheduled = ({ start, min, halfAt }: Schedule, learned: number): number =>
  halfAt === undefined ? start : Math.max(min, start / (1 + learned / halfAt));
