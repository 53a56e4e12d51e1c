/** Settings for the environments that DQN is measured on (bench/learning/dqn.ts); the same for all seeds. */
import { EngineError } from '../../kernel/errors.js';
import { actionId } from '../environments/acts-in-process.js';
import type { Environment } from '../environments/environment.js';
import type { DqnOptions } from './config.js';

type Preset = Omit<DqnOptions, 'actions' | 'observation'> & {
  readonly scaling?: DqnOptions['observation']['scaling'];
};

const CLASSIC_CONTROL: Preset = {
  hidden: [64, 64],
  discount: 0.99,
  learningRate: { rate: 0.0005, end: 0.0001, steps: 80_000 },
  batchSize: 64,
  replayMax: 50_000,
  warmup: 1000,
  trainEvery: 4,
  nStep: 3,
  target: { kind: 'polyak', tau: 0.005 },
  exploration: { kind: 'epsilon-greedy', start: 1, end: 0.05, steps: 10_000 },
};

const PRESETS: Readonly<Record<string, Preset>> = {
  'CartPole-v1': {
    ...CLASSIC_CONTROL,
    // Divided by about how far each gets while the pole is up.
    scaling: { offset: [0, 0, 0, 0], scale: [1 / 2.4, 0.5, 1 / 0.21, 0.5] },
  },
  'Acrobot-v1': {
    ...CLASSIC_CONTROL,
    // Not scaled: to swing up from rest small velocities must tell.
    // Nearly nothing is earned by chance here: what little is learned from must be learned from more often.
    trainEvery: 1,
  },
  'MountainCar-v0': {
    ...CLASSIC_CONTROL,
    scaling: { offset: [-0.3, 0], scale: [1 / 0.9, 1 / 0.07] },
    nStep: 5,
    exploration: { kind: 'epsilon-greedy', start: 1, end: 0.05, steps: 50_000 },
  },
};

/**
 * A configuration for an environment, its actions called by actionId. Environments that nobody has settings for get those
 * that the schema defaults to. Throws InvalidRequest `ENVIRONMENT_TABULAR` for a tabular one: the index of a state says
 * nothing that a network could generalise from.
 */
export function dqnOptionsFor(environment: Environment): DqnOptions {
  const { id, actions, observationSize, states } = environment;
  if (states !== undefined)
    throw new EngineError('InvalidRequest', 'ENVIRONMENT_TABULAR', `${id} is tabular: use q-learning.`, {
      field: 'env',
    });
  const { scaling, ...rest } = PRESETS[id] ?? {};
  return {
    ...rest,
    actions: Array.from({ length: actions }, (_, action) => actionId(action)),
    observation: { size: observationSize, ...(scaling === undefined ? {} : { scaling }) },
  };
}
