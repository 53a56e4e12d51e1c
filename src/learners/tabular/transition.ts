/** What a table learns from: one step from a state to what follows it. */
import type { Experience, NextState } from '../../messages/decisions.js';
import type { TabularConfig } from './config.js';

export interface Successor {
  readonly state: string;
  /** What could have been chosen there. */
  readonly eligible: readonly string[];
  /** What was chosen there, where that is known. */
  readonly action?: string;
}

export interface Transition {
  readonly state: string;
  readonly action: string;
  readonly reward: number;
  /** Null where no future counts. */
  readonly next: Successor | null;
}

/**
 * Undefined for an experience that says nothing about a transition; `isKnown` says whether a successor tells the learner
 * all that it needs.
 */
export function transitionOf(
  experience: Experience,
  config: Pick<TabularConfig, 'censored' | 'discount' | 'withoutNext'>,
  isKnown: (next: Successor) => boolean,
): Transition | undefined {
  const { status, state, slate, rewardedId, reward, ending } = experience;
  const counts = status === 'complete' || (status === 'censored' && config.censored === 'learn');
  const chosen = slate.filter((item) => !item.forced);
  // The action is what the reward was credited to, if the policy chose it; else what it put on top.
  const action = chosen.find((item) => item.id === rewardedId)?.id ?? chosen[0]?.id;
  // Without consent nothing is learned, not even what came before it was withdrawn.
  if (!counts || state === undefined || action === undefined || ending === 'withdrawn') return undefined;
  // What was credited to a pinned item was not earned by the action.
  const pinned = rewardedId !== null && slate.some((item) => item.forced && item.id === rewardedId);
  const step = { state, action, reward: pinned ? 0 : reward };
  if (ending === 'terminal' || config.discount === 0) return { ...step, next: null };
  const next = successorOf(experience.next);
  if (next !== undefined && isKnown(next)) return { ...step, next };
  // A truncated episode would have gone on: that its future is unknown does not make it worthless.
  return ending === undefined && config.withoutNext === 'terminal' ? { ...step, next: null } : undefined;
}

const successorOf = (next: NextState | null | undefined): Successor | undefined =>
  next?.state === undefined ? undefined : { ...next, state: next.state };
