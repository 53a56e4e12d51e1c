/** What a table learns from: one step from a state to what follows it. */
import type { Experience, NextState } from '../../messages/decisions.js';
import { actionOf, futureOf, isLearnable } from '../credit.js';
import type { TabularConfig } from './config.js';

export interface Successor extends NextState {
  readonly state: string;
}

export interface Transition {
  readonly state: string;
  readonly action: string;
  readonly reward: number;
  /** `terminal` where no future counts. */
  readonly next: Successor | 'terminal';
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
  const { status, state } = experience;
  const action = actionOf(experience);
  if (!isLearnable(experience, status, config) || state === undefined || action === undefined) return undefined;
  const next = futureOf(experience, config, (following) => {
    const successor = successorOf(following);
    return successor !== undefined && isKnown(successor) ? successor : undefined;
  });
  return next === undefined ? undefined : { state, action: action.id, reward: action.reward, next };
}

const successorOf = (next: NextState): Successor | undefined =>
  next.state === undefined ? undefined : { ...next, state: next.state };
