/** Settings for the environments that DQN is measured on (bench/learning/dqn.ts); the same for all seeds. */
import { EngineError } from '../../kernel/errors.js';
import { actionId } from '../environments/acts-in-process.js';
import type { Environment } from '../environments/environment.js';
import type { DqnOptions } from './config.js';

type Preset = Omit<DqnOptions, 'actions' | 'observation'> & {
  readonly scaling?: DqnOptions['observation']['scaling'];
};

const PRESETS: Readonly<Record<string, Preset>> = {
  'CartPole-v1': {
    // Divided by about how far each gets while the pole is up.
    scaling: { offset: [0, 0, 0, 0], scale: [1 / 2.4, 0.5, 1 / 0.21, 0.5] },
    hidden: [128, 128],
    discount: 0.99,
    learningRate: { rate: 0.001, end: 0.0001, steps: 100_000 },
    batchSize: 128,
    replayMax: 50_000,
    warmup: 1000,
    trainEvery: 4,
    nStep: 3,
    target: { kind: 'polyak', tau: 0.01 },
    exploration: { kind: 'epsilon-greedy', start: 1, end: 0.04, steps: 16_000 },
  },
  'Acrobot-v1': {
    scaling: { offset: [0, 0, 0, 0, 0, 0], scale: [1, 1, 1, 1, 0.2, 0.1] },
    hidden: [128, 128],
    discount: 0.99,
    learningRate: { rate: 0.001, end: 0.0001, steps: 100_000 },
    batchSize: 128,
    replayMax: 50_000,
    warmup: 1000,
    trainEvery: 4,
    nStep: 3,
    target: { kind: 'polyak', tau: 0.01 },
    exploration: { kind: 'epsilon-greedy', start: 1, end: 0.02, steps: 16_000 },
  },
  'MountainCar-v0': {
    scaling: { offset: [-0.3, 0], scale: [1 / 0.9, 1 / 0.07] },
    hidden: [128, 128],
    discount: 0.99,
    learningRate: { rate: 0.001, end: 0.0001, steps: 120_000 },
    batchSize: 128,
    replayMax: 50_000,
    warmup: 1000,
    trainEvery: 4,
    nStep: 5,
    target: { kind: 'polyak', tau: 0.01 },
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
