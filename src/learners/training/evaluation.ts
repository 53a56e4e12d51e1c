/** What a policy earns on an environment when it does what it thinks best. */
import type { Policy } from '../../policies/policy.js';
import type { Environment } from '../environments/environment.js';
import { ActionSpace, chooseGreedily } from './behaviour.js';
import type { StateOf } from './discretise.js';

export interface Evaluation {
  readonly episodes: number;
  readonly mean: number;
  /** Standard deviation of the episodes' returns (n − 1). */
  readonly sd: number;
  readonly min: number;
  readonly max: number;
  readonly meanLength: number;
}

/**
 * Plays `episodes` ≥ 1 episodes from `seed` on, without exploring, and without learning. Between episodes it pauses for
 * `turn`, which may throw to end it.
 */
export async function evaluateGreedily(
  policy: Policy,
  environment: Environment,
  stateOf: StateOf,
  episodes: number,
  seed: number,
  turn: () => Promise<void> = () => Promise.resolve(),
): Promise<Evaluation> {
  const space = new ActionSpace(environment.id, environment.actions);
  const returns: number[] = [];
  let steps = 0;
  for (let episode = 0; episode < episodes; episode++) {
    let { observation, info } = environment.reset(episode === 0 ? seed : undefined);
    let total = 0;
    for (let over = false; !over; steps++) {
      const situation = { observation, state: stateOf(observation), mask: info.actionMask };
      const step = environment.step(chooseGreedily(space, policy, situation));
      ({ observation, info } = step);
      total += step.reward;
      over = step.terminated || step.truncated;
    }
    returns.push(total);
    await turn();
  }
  const mean = returns.reduce((sum, value) => sum + value, 0) / episodes;
  const squares = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    episodes,
    mean,
    sd: episodes === 1 ? 0 : Math.sqrt(squares / (episodes - 1)),
    min: Math.min(...returns),
    max: Math.max(...returns),
    meanLength: steps / episodes,
  };
}
