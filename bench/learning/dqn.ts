/**
 * DQN on Gymnasium's classic control: `node --import ./scripts/typescript.mjs bench/learning/dqn.ts --env cartpole`.
 *
 * Every seed is one training run. Every so many training steps the version of the moment plays some episodes (validation);
 * the one that did best is evaluated, and beside it the last one, in 100 episodes. Training, validation and evaluation have
 * environments with seeds of their own. Steps of validation count as steps of the run.
 */
import { Command, InvalidArgumentError } from 'commander';
import { createEnvironment } from '../../src/learners/environments/create-environment.js';
import { dqnOptionsFor } from '../../src/learners/dqn/presets.js';
import type { DqnOptions } from '../../src/learners/dqn/config.js';
import { tensorBackend } from '../../src/learners/tensor/backend.js';
import { deviationOf, meanOf, run, type RunResult } from './dqn-run.js';

/** Mean returns to reach, with the share of seeds that must reach them. */
const GOALS: Readonly<Record<string, { readonly mean: number; readonly share: number }>> = {
  'CartPole-v1': { mean: 475, share: 4 / 5 },
  'Acrobot-v1': { mean: -90, share: 3 / 5 },
};

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Must be a whole number.');
  return Number(text);
};

const command = new Command()
  .option('--env <name>', 'cartpole, acrobot or mountaincar', 'cartpole')
  .option('--seeds <count>', 'how many runs, with the seeds 1, 2, …', whole, 5)
  .option('--first <seed>', 'the first seed', whole, 1)
  .option('--steps <count>', 'environment steps of a run, those of validation included', whole, 100_000)
  .option('--backend <name>', 'auto, native, wasm or cpu', 'auto')
  .option('--set <json>', 'settings that replace those of the preset', '{}')
  .option('--validate-every <steps>', 'training steps between two validations', whole, 2500)
  .option('--validate-episodes <count>', 'episodes of a validation', whole, 5)
  .option('--stop-at <mean>', 'end a run with the first validation that is as good', Number, Infinity)
  .option('--epsilon <share>', 'share of chance in validation and evaluation (CleanRL evaluates with 0.05)', Number, 0)
  .option('--json', 'print results as JSON')
  .parse();
const flags = command.opts<{
  env: string;
  seeds: number;
  first: number;
  steps: number;
  backend: NonNullable<DqnOptions['backend']>;
  set: string;
  validateEvery: number;
  validateEpisodes: number;
  stopAt: number;
  epsilon: number;
  json?: true;
}>();

const environment = createEnvironment(flags.env);
const options: DqnOptions = {
  ...dqnOptionsFor(environment),
  ...(JSON.parse(flags.set) as Partial<DqnOptions>),
  backend: flags.backend,
};
const { name: backend } = await tensorBackend(flags.backend);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const { env, steps, epsilon, validateEvery: every, validateEpisodes: episodes, stopAt } = flags;
const validation = { every, episodes, stopAt };
const results: RunResult[] = [];
for (let seed = flags.first; seed < flags.first + flags.seeds; seed++) {
  const result = await run({ env, seed, steps, options, validation, epsilon, onProgress: say });
  results.push(result);
  const { selected, spread, selectedAtStep, last, stepsPerSecond, gradientStepsPerSecond } = result;
  say(
    `seed ${seed}: ${selected.toFixed(1)} ± ${spread.toFixed(1)} (version of step ${selectedAtStep}), last version ` +
      `${last.toFixed(1)}; ${stepsPerSecond.toFixed(0)} steps/s, ${gradientStepsPerSecond.toFixed(0)} gradient steps/s`,
  );
}
const means = results.map(({ selected }) => selected);
const goal = GOALS[environment.id];
const reached = goal === undefined ? undefined : means.filter((mean) => mean >= goal.mean).length;
if (flags.json) process.stdout.write(`${JSON.stringify({ env: environment.id, backend, options, results })}\n`);
else
  process.stdout.write(
    `${environment.id} on ${backend}, ${steps} steps, ε ${epsilon}, ${means.length} seeds: ` +
      `${meanOf(means).toFixed(1)} ± ${deviationOf(means).toFixed(1)} (${means.map((mean) => mean.toFixed(1)).join(', ')})` +
      (goal === undefined ? '\n' : `; ${reached} of ${means.length} reach ${goal.mean}\n`),
  );
if (goal !== undefined && reached! / means.length < goal.share) process.exitCode = 1;
