/** Settings that were found to work on the known environments; a person's own configuration goes on top of them. */
import { dqnOptionsFor } from '../dqn/presets.js';
import type { Environment } from '../environments/environment.js';
import type { Bins } from './discretise.js';

export interface TrainingPreset {
  /** Options of the learner's own configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** For learners with tables, where the environment observes numbers. */
  readonly bins?: Bins;
  readonly steps: number;
  /** As in TrainingSpec. */
  readonly batch: number;
  readonly refresh: number;
}

const STEPS_DEFAULT = 100_000;
/** Often enough to follow what is learned, seldom enough that making policies costs little. */
const REFRESH_DEFAULT = 200;

/** By kind and id of environment. `npm run train` and bench/learning/tabular.ts use the same ones. */
const PRESETS: ReadonlyMap<string, Pick<TrainingPreset, 'config' | 'steps'>> = new Map<
  string,
  Pick<TrainingPreset, 'config' | 'steps'>
>([
  ['q-learning CliffWalking', { steps: 300_000, config: { discount: 1, learningRate: { rate: 0.5 }, ...always(0.3) } }],
  // Softly, a slip into the abyss is nearly impossible, so the shortest way is also the best one while exploring.
  ['sarsa CliffWalking', { steps: 150_000, config: { discount: 1, learningRate: { rate: 0.2 }, ...softly(0.5) } }],
  [
    'q-learning FrozenLake-v1 4x4 slippery',
    { steps: 600_000, config: { discount: 0.99, learningRate: { rate: 1, decay: 0.6 }, ...always(0.5) } },
  ],
  [
    'sarsa FrozenLake-v1 4x4 slippery',
    {
      steps: 600_000,
      config: { discount: 0.999, initial: 1, learningRate: { rate: 1, decay: 0.6 }, ...softly(0.02) },
    },
  ],
  [
    'q-learning city-1',
    { steps: 600_000, config: { discount: 1, learningRate: { rate: 1, decay: 0.6 }, ...always(0.3) } },
  ],
  [
    'q-learning MountainCar-v0',
    {
      steps: 1_000_000,
      config: {
        discount: 1,
        learningRate: { rate: 0.2 },
        exploration: { kind: 'epsilon-greedy', start: 0.05, min: 0.01, decay: 0.99999 },
      },
    },
  ],
  ['q-learning Taxi', { steps: 800_000, config: { discount: 0.99, learningRate: { rate: 1 }, ...always(0.3) } }],
  [
    'sarsa Taxi',
    { steps: 1_000_000, config: { discount: 0.99, learningRate: { rate: 1, decay: 0.5 }, ...always(0.2) } },
  ],
]);

/** Equal bins for environments whose observations are numbers, by id. */
const BINS: ReadonlyMap<string, Bins> = new Map<string, Bins>([
  [
    'CartPole-v1',
    [
      { low: -2.4, high: 2.4, count: 3 },
      { low: -2, high: 2, count: 3 },
      { low: -0.21, high: 0.21, count: 8 },
      { low: -2.5, high: 2.5, count: 8 },
    ],
  ],
  [
    'MountainCar-v0',
    [
      { low: -1.2, high: 0.6, count: 24 },
      { low: -0.07, high: 0.07, count: 24 },
    ],
  ],
  [
    'Acrobot-v1',
    [
      { low: -1, high: 1, count: 5 },
      { low: -1, high: 1, count: 5 },
      { low: -1, high: 1, count: 5 },
      { low: -1, high: 1, count: 5 },
      { low: -6, high: 6, count: 6 },
      { low: -12, high: 12, count: 6 },
    ],
  ],
]);

/** For kinds and environments that nobody has settings for, the plug-in's own defaults. */
export function presetFor(kind: string, environment: Environment): TrainingPreset {
  const known = PRESETS.get(`${kind} ${environment.id}`);
  const bins = BINS.get(environment.id);
  return {
    config: known?.config ?? (kind === 'dqn' ? { ...dqnOptionsFor(environment) } : {}),
    ...(bins === undefined ? {} : { bins }),
    steps: known?.steps ?? STEPS_DEFAULT,
    batch: 1,
    refresh: REFRESH_DEFAULT,
  };
}

function always(epsilon: number) {
  return { exploration: { kind: 'epsilon-greedy', start: epsilon, min: epsilon } };
}

function softly(temperature: number) {
  return { exploration: { kind: 'softmax', temperature } };
}
