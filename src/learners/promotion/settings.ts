import { z } from 'zod';

const share = z.number().min(0).max(1);
const finite = z.number().refine(Number.isFinite, 'must be finite');
const count = z.number().int().positive().max(10_000_000);

/** What a candidate has to pass before it goes live: the `gate` of a learner's settings. */
export const gateSettingsSchema = z
  .strictObject({
    /** Chance that any candidate, ever, goes live that is not better than both live policy and anchor. */
    alpha: z.number().gt(0).max(0.5).default(0.05),
    /** Share of the decisions that are never learned from and judge candidates instead. */
    holdout: z.number().gt(0).max(0.9).default(0.1),
    /** The surface's rewards lie in here; one outside counts as the nearer bound. */
    reward: z
      .strictObject({ min: finite, max: finite })
      .refine(({ min, max }) => max > min, { message: 'max must be above min', path: ['max'] })
      .default({ min: 0, max: 1 }),
    /** Importance weights are cut here, always to the candidate's disadvantage. */
    weightMax: z.number().min(1).max(1e6).default(100),
    /** A weight above speaks against a candidate in another way (see pairedDifference), so that no decision says much more. */
    lossMax: z.number().gt(0).max(1e6).default(1),
    /** Held-out decisions that a verdict takes at least, and at most: then a candidate that is not shown better goes. */
    decisionsMin: count.default(200),
    decisionsMax: count.default(50_000),
    /** After so many, a candidate that nothing speaks for yet makes way for what was learned since. */
    patience: count.default(5_000),
    /** Effective sample size (Kish) of the candidate's weights that a promotion takes. */
    effectiveMin: count.default(100),
    /** Level at which a candidate is found worse than live policy or anchor, and rejected. */
    worseAlpha: z.number().gt(0).max(0.5).default(0.05),
    /**
     * What a candidate has to beat besides the live policy: the first version that the gate saw live, or a version that is
     * stored (of any policy: the live one of each and the twenty before it are). Another one counts from the next candidate.
     */
    anchor: z
      .union([
        z.literal('first'),
        z.strictObject({ policy: z.string().min(1).max(128), version: z.number().int().nonnegative() }),
      ])
      .default('first'),
    guardrails: z
      .strictObject({
        /** Mean probability that a policy gives to actions which were too seldom possible to be weighed. */
        unsupportedMax: share.default(0.2),
        /** Share of held-out decisions on which one of the policies has no answer. */
        unansweredMax: share.default(0.05),
        /** Mean total variation distance of the candidate's distribution from the live one. */
        shiftMax: share.default(1),
        /** Least estimated mean reward of the candidate, in the unit of the reward. */
        rewardMin: finite.optional(),
      })
      .prefault({}),
  })
  .refine(({ decisionsMin, decisionsMax }) => decisionsMax >= decisionsMin, {
    message: 'decisionsMax must not be below decisionsMin',
    path: ['decisionsMax'],
  })
  .readonly();
export type GateSettings = z.infer<typeof gateSettingsSchema>;
