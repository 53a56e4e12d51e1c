/** What a learner's status says about the experience it has seen. Part of the checkpoint, so a resumed one goes on. */
import { z } from 'zod';
import { firstChoice } from '../../learners/credit.js';
import type { Experience } from '../../messages/decisions.js';

/** Weight of the newest experience in a moving mean: about the last hundred count. */
const NEWEST = 0.01;

export const tallySchema = z.strictObject({
  /** Experiences of its surface. */
  experiences: z.number(),
  /** Those that changed the learner. */
  learned: z.number(),
  /** Moving means; null before there is one. */
  rewardMean: z.number().nullable(),
  lossMean: z.number().nullable(),
  /** Share of decisions that showed something else than the policy's favourite first. */
  explorationShare: z.number().nullable(),
  /** Corrections of its surface's experience, whether or not the learner takes them. */
  corrections: z.number().default(0),
  /** See ActionLedger: as of the last batch. */
  regretProxy: z.number().nullable().default(null),
  /** Moving mean of the share of eligible actions that had been tried. */
  actionCoverage: z.number().nullable().default(null),
  /** Distinct states, up to STATES_MAX. */
  statesVisited: z.number().default(0),
  /** Messages left out: counted before, out of chain, or not readable. */
  past: z.number(),
  ahead: z.number(),
  malformed: z.number(),
});
export type Tally = z.infer<typeof tallySchema>;

export const EMPTY_TALLY: Tally = {
  experiences: 0,
  learned: 0,
  rewardMean: null,
  lossMean: null,
  explorationShare: null,
  corrections: 0,
  regretProxy: null,
  actionCoverage: null,
  statesVisited: 0,
  past: 0,
  ahead: 0,
  malformed: 0,
};

export const movingMean = (mean: number | null, value: number): number =>
  mean === null ? value : mean + NEWEST * (value - mean);

/** Undefined where nothing was chosen. */
export function explored(experience: Experience): boolean | undefined {
  const first = firstChoice(experience)?.item;
  if (first === undefined || experience.distribution.length === 0) return undefined;
  const chosen = experience.distribution[experience.eligible.indexOf(first.id)];
  return chosen === undefined ? undefined : chosen < Math.max(...experience.distribution);
}
