/** Environments by name. */
import { EngineError } from '../../kernel/errors.js';
import { Acrobot } from './acrobot.js';
import { CartPole } from './cart-pole.js';
import type { Environment } from './environment.js';
import { environmentOf, type Dynamics } from './episodes.js';
import { MountainCar } from './mountain-car.js';

const DYNAMICS: ReadonlyMap<string, () => Dynamics> = new Map<string, () => Dynamics>([
  ['cartpole', () => new CartPole()],
  ['mountaincar', () => new MountainCar()],
  ['acrobot', () => new Acrobot()],
]);

/** Short names of what `createEnvironment` makes. */
export const ENVIRONMENT_NAMES: readonly string[] = [...DYNAMICS.keys()];

/**
 * `name` is a short name or an id as Gymnasium writes it ('cartpole', 'CartPole-v1'). Chance comes from the engine's own
 * generator, so a seed gives other episodes than it gives in Gymnasium, though of the same distribution. Throws NotFound
 * `ENVIRONMENT_UNKNOWN`.
 */
export function createEnvironment(name: string, seed?: number): Environment {
  const make = DYNAMICS.get(name.toLowerCase().replace(/-v\d+$/, ''));
  if (make === undefined) {
    const message = `There is no environment ${name}; there are ${ENVIRONMENT_NAMES.join(', ')}.`;
    throw new EngineError('NotFound', 'ENVIRONMENT_UNKNOWN', message, { field: 'env' });
  }
  return environmentOf(make(), seed);
}
