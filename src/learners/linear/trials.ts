/** Which parts of an experience say something about a candidate. */
import type { Experience } from '../../messages/decisions.js';
import { ARM_ID_MAX } from '../../policies/linear/beliefs.js';

export interface TrialRules {
  /** Rewards are clamped to it. */
  readonly reward: { readonly min: number; readonly max: number };
  readonly censored: 'skip' | 'learn';
}

/**
 * Each item that the policy chose and that was seen, with its reward: the credited item (the first one if none is named)
 * has the experience's, every other one nothing, or as near to it as rewards go. Empty where nothing may be learned.
 */
export function trialsOf(
  experience: Experience,
  { reward: range, censored }: TrialRules,
): [id: string, reward: number][] {
  const { status, ending, slate, reward, rewardedId } = experience;
  const counts = status === 'complete' || (status === 'censored' && censored === 'learn');
  if (!counts || ending === 'withdrawn' || !Number.isFinite(reward)) return [];
  const credited = rewardedId ?? slate[0]?.id;
  const clamp = (value: number): number => Math.min(Math.max(value, range.min), range.max);
  const trials: [string, number][] = [];
  for (const { id, forced } of slate)
    if (!forced && id.length > 0 && id.length <= ARM_ID_MAX) trials.push([id, clamp(id === credited ? reward : 0)]);
  return trials;
}
