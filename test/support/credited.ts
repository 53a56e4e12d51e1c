import type { Experience } from '../../src/messages/decisions.js';
import { trialsOf } from '../../src/learners/credit.js';

/** What a learner takes each item of an experience to have earned. */
export const creditedActions = (experience: object): Record<string, number> => {
  const { slate, ...rewarded } = experience as Experience;
  return Object.fromEntries(trialsOf(slate, rewarded, { min: -10, max: 10 }));
};
