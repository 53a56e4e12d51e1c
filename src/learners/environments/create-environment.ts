/** Environments by name. */
import { EngineError } from '../../kernel/errors.js';
import { Acrobot } from './acrobot.js';
import { CartPole } from './cart-pole.js';
import { cityTable } from './city.js';
import type { Environment } from './environment.js';
import { environmentOf } from './episodes.js';
import { MountainCar } from './mountain-car.js';
import { tabularEnvironment } from './tabular.js';

/** Which of all simulated cities 'city' is; `cityTable` makes others. */
export const CITY_SEED = 1;

type Make = (seed: number | undefined) => Environment;

const BUILT_IN: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['cartpole', (seed) => environmentOf(new CartPole(), seed)],
  ['mountaincar', (seed) => environmentOf(new MountainCar(), seed)],
  ['acrobot', (seed) => environmentOf(new Acrobot(), seed)],
  ['city', (seed) => tabularEnvironment(cityTable(CITY_SEED), seed)],
]);

/** Short names of what `createEnvironment` makes. */
export const ENVIRONMENT_NAMES: readonly string[] = [...BUILT_IN.keys()];

/**
 * `name` is a short name or an id as Gymnasium writes it ('cartpole', 'CartPole-v1'). Chance comes from the engine's own
 * generator, so a seed gives other episodes than it gives in Gymnasium, though of the same distribution. Throws NotFound
 * `ENVIRONMENT_UNKNOWN`.
 */
export function createEnvironment(name: string, seed?: number): Environment {
  const make = BUILT_IN.get(name.toLowerCase().replace(/-v\d+$/, ''));
  if (make === undefined) {
    const message = `There is no environment ${name}; there are ${ENVIRONMENT_NAMES.join(', ')}.`;
    throw new EngineError('NotFound', 'ENVIRONMENT_UNKNOWN', message, { field: 'env' });
  }
  return make(seed);
}
