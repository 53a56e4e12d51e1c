/** Which parts of an experience say something, and whom its reward is credited to: one rule for every learner. */
import { z } from 'zod';
import type { Experience, NextState } from '../messages/decisions.js';
import { REWARD_MAX } from '../policies/arms/statistics.js';

const bound = z.number().min(-REWARD_MAX).max(REWARD_MAX);

/** Settings of these rules, for learners' own schemas to take what they have a use for. */
export const creditFields = {
  /** Rewards are clamped to this range. */
  reward: z
    .strictObject({ min: bound.default(0), max: bound.default(1) })
    .refine(({ min, max }) => max > min, 'max must be above min')
    .default({ min: 0, max: 1 }),
  /** What becomes of a decision that was closed before its window had passed. */
  censored: z.enum(['skip', 'learn']).default('skip'),
  /** What becomes of a signal that came after its window: `learn` makes good the difference to what was learned. */
  corrections: z.enum(['skip', 'learn']).default('skip'),
  /** What becomes of a step whose successor is not known and whose episode did not end with it. */
  withoutNext: z.enum(['skip', 'terminal']).default('skip'),
};

type CreditSettings = { readonly [K in keyof typeof creditFields]: z.infer<(typeof creditFields)[K]> };
export type RewardBounds = CreditSettings['reward'];
export type Rewarded = Pick<Experience, 'reward' | 'rewardedId' | 'credits'>;

/** Whether something may be learned of what had this status: for a correction, that of what it corrects. */
export function isLearnable(
  { ending, reward }: Experience,
  status: Experience['status'],
  { censored }: Pick<CreditSettings, 'censored'>,
): boolean {
  // Without consent nothing is learned, not even what came before it was withdrawn.
  if (ending === 'withdrawn' || !Number.isFinite(reward)) return false;
  return status === 'complete' || (status === 'censored' && censored === 'learn');
}

/** What an item of the slate earned, undefined where nothing is said of it; the first one is credited if none is named. */
export function earnedBy(id: string, slate: Experience['slate'], { reward, rewardedId, credits }: Rewarded) {
  if (credits !== undefined) return credits.find((one) => one.id === id)?.reward;
  return id === (rewardedId ?? slate[0]?.id) ? reward : undefined;
}

/**
 * For learners that judge items: each one that the policy chose, in the slate's order, with its reward within the bounds;
 * what earned nothing that is known of has `uncredited`.
 */
export function trialsOf(
  slate: Experience['slate'],
  rewarded: Rewarded,
  bounds: RewardBounds,
  uncredited = nothingEarned(bounds),
): [id: string, reward: number][] {
  const trials: [string, number][] = [];
  for (const { id, forced } of slate) {
    if (forced) continue;
    const earned = earnedBy(id, slate, rewarded);
    trials.push([id, earned === undefined ? uncredited : within(earned, bounds)]);
  }
  return trials;
}

const within = (reward: number, { min, max }: RewardBounds): number => Math.min(Math.max(reward, min), max);

/** What an item earned of which nothing is said: nothing, or as near to it as rewards go. */
const nothingEarned = (bounds: RewardBounds): number => within(0, bounds);

/** What policies are compared by: the first item that a policy chose, and what it earned; undefined where none did. */
export function firstChoice({
  slate,
  rewardedId,
  reward,
  credits,
}: Experience): { item: Experience['slate'][number]; reward: number } | undefined {
  const item = slate.find(({ forced }) => !forced);
  if (item && credits !== undefined) return { item, reward: credits.find(({ id }) => id === item.id)?.reward ?? 0 };
  return item && { item, reward: rewardedId === null || rewardedId === item.id ? reward : 0 };
}

/** For learners of steps: the one action of a decision, and what it earned; undefined where the policy chose nothing. */
export function actionOf({
  slate,
  rewardedId,
  reward,
  credits,
}: Experience): { id: string; reward: number } | undefined {
  const chosen = slate.filter((item) => !item.forced);
  // The action is what the reward was credited to, if the policy chose it; else what it put on top.
  const id = chosen.find((item) => item.id === rewardedId)?.id ?? chosen[0]?.id;
  if (id === undefined) return undefined;
  if (credits !== undefined) return { id, reward: credits.find((one) => one.id === id)?.reward ?? 0 };
  // What was credited to a pinned item was not earned by the action.
  const pinned = rewardedId !== null && slate.some((item) => item.forced && item.id === rewardedId);
  return { id, reward: pinned ? 0 : reward };
}

/**
 * What follows a step: `terminal` where no future counts, undefined where it is not known. `read` makes of a successor what
 * the learner values, undefined where it says too little.
 */
export function futureOf<Successor>(
  { ending, next }: Experience,
  { discount, withoutNext }: Pick<CreditSettings, 'withoutNext'> & { readonly discount: number },
  read: (next: NextState) => Successor | undefined,
): Successor | 'terminal' | undefined {
  if (ending === 'terminal' || discount === 0) return 'terminal';
  const successor = next ? read(next) : undefined;
  if (successor !== undefined) return successor;
  // A truncated episode would have gone on: that its future is unknown does not make it worthless.
  return ending === undefined && withoutNext === 'terminal' ? 'terminal' : undefined;
}
