/** Settings that were found to work on the known environments; a person's own configuration goes on top of them. */
import type { Bins } from './discretise.js';

/** Equal bins for environments whose observations are numbers, by id. */
const BINS: Readonly<Record<string, Bins>> = {
  'CartPole-v1': [
    { low: -2.4, high: 2.4, count: 3 },
    { low: -2, high: 2, count: 3 },
    { low: -0.21, high: 0.21, count: 8 },
    { low: -2.5, high: 2.5, count: 8 },
  ],
  'MountainCar-v0': [
    { low: -1.2, high: 0.6, count: 24 },
    { low: -0.07, high: 0.07, count: 24 },
  ],
  'Acrobot-v1': [
    { low: -1, high: 1, count: 5 },
    { low: -1, high: 1, count: 5 },
    { low: -1, high: 1, count: 5 },
    { low: -1, high: 1, count: 5 },
    { low: -6, high: 6, count: 6 },
    { low: -12, high: 12, count: 6 },
  ],
};

/** Undefined where none are known; tabular environments need none. */
export const binsFor = (environmentId: string): Bins | undefined =>
  Object.hasOwn(BINS, environmentId) ? BINS[environmentId] : undefined;
