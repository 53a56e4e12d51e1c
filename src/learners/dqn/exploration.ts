/** How the learner explores by now: what its artifact says, and what it does itself while it is trained. */
import { epsilonGreedy, softmax } from '../../policies/exploration.js';
import type { MlpQParameters } from '../../policies/mlp/parameters.js';
import type { DqnConfig } from './config.js';

type Exploration = MlpQParameters['exploration'];

/** After so many experiences. */
export function explorationAt(schedule: DqnConfig['exploration'], experiences: number): Exploration {
  if (schedule.kind === 'softmax') return schedule;
  return { kind: 'epsilon-greedy', epsilon: linear(schedule.start, schedule.end, experiences / schedule.steps) };
}

/** From one number to another while `done` goes from 0 to 1; then the other. */
export const linear = (from: number, to: number, done: number): number => (done >= 1 ? to : from + (to - from) * done);

/** Writes into `into` the probability of each action, 0 where the mask holds 0. */
export function maskedDistribution(
  values: Float32Array,
  mask: Uint8Array | undefined,
  exploration: Exploration,
  into: Float64Array,
): Float64Array {
  const allowed: number[] = [];
  for (let action = 0; action < into.length; action++) if (mask?.[action] !== 0) allowed.push(action);
  const worth = allowed.map((action) => values[action]!);
  const shares =
    exploration.kind === 'softmax'
      ? softmax(worth, exploration.temperature)
      : epsilonGreedy(worth, exploration.epsilon);
  into.fill(0);
  for (const [i, action] of allowed.entries()) into[action] = shares[i]!;
  return into;
}
