/** One training run of DQN on an environment, and what came of it. */
import { seededRandom, type Random } from '../../src/kernel/random.js';
import { dqnConfigSchema, type DqnOptions } from '../../src/learners/dqn/config.js';
import { dqn, type DqnState } from '../../src/learners/dqn/learner.js';
import { actionId, actsInProcess } from '../../src/learners/environments/acts-in-process.js';
import { createEnvironment } from '../../src/learners/environments/create-environment.js';
import type { Environment } from '../../src/learners/environments/environment.js';
import type { PolicyExport } from '../../src/learners/learner.js';
import type { Candidate, Experience } from '../../src/messages/decisions.js';
import { mlpQPolicy } from '../../src/policies/mlp/policy.js';

/** Training episodes whose mean return the curve shows. */
const CURVE_EPISODES = 20;
/** Steps handed to the learner at once. */
const BATCH = 4;
const EVALUATION_EPISODES = 100;
/** Of environments that no run trains on; the evaluation's is its own. */
const VALIDATION_SEED = 2_000_000;
const EVALUATION_SEED = 1_000_000;

export interface RunResult {
  readonly seed: number;
  /** Mean return over the evaluation's episodes of the version that was chosen, and of the last one. */
  readonly selected: number;
  readonly last: number;
  readonly spread: number;
  readonly selectedAtStep: number;
  /** Environment steps of training and of validation; their sum is what the run was allowed. */
  readonly trainingSteps: number;
  readonly validationSteps: number;
  readonly gradientSteps: number;
  /** Of the whole loop: acting, environment and training. */
  readonly stepsPerSecond: number;
  readonly gradientStepsPerSecond: number;
  /** Mean return of the training episodes before a step, and of its version's validation. */
  readonly curve: readonly { readonly step: number; readonly training: number; readonly validation: number }[];
}

export interface RunOptions {
  readonly env: string;
  readonly seed: number;
  readonly steps: number;
  readonly options: DqnOptions;
  /** A version is tried out every so many training steps, in so many episodes; the one that does best is evaluated. */
  readonly validation: {
    readonly every: number;
    readonly episodes: number;
    /** The run ends with the first validation whose mean return is as high. */
    readonly stopAt: number;
  };
  /** Share of chance in validation and evaluation; 0 is greedy. */
  readonly epsilon: number;
  readonly onProgress?: (line: string) => void;
}

export async function run({
  env,
  seed,
  steps,
  options,
  validation,
  epsilon,
  onProgress,
}: RunOptions): Promise<RunResult> {
  const world = createEnvironment(env, seed);
  const config = dqnConfigSchema.parse(options);
  const learner = dqn.create(config, { random: seededRandom(seed), surface: env });
  if (!actsInProcess(learner)) throw new Error('DQN does not act in process.');
  const chance = seededRandom(seed + 500_000);
  const { signal } = new AbortController();
  const returns: number[] = [];
  const curve: { step: number; training: number; validation: number }[] = [];
  let best = { mean: -Infinity, step: 0, policy: learner.exportPolicy() };
  let validationSteps = 0;
  let batch: Experience[] = [];
  let { observation, info } = world.reset();
  let [episode, place, earned] = [0, 0, 0];
  let since = performance.now();
  let seconds = 0;
  let step = 0;
  while (step + validationSteps < steps) {
    step++;
    const distribution = learner.actionDistribution(observation, info.actionMask);
    const action = draw(distribution, chance);
    const propensity = distribution[action]!;
    const after = world.step(action);
    batch.push(experienceOf(world, { observation, info, action, propensity, after, episode, place, env }));
    earned += after.reward;
    place++;
    ({ observation, info } = after);
    if (batch.length === BATCH) {
      await learner.update(batch, signal);
      batch = [];
    }
    if (after.terminated || after.truncated) {
      returns.push(earned);
      ({ observation, info } = world.reset());
      [place, earned] = [0, 0];
      episode++;
    }
    if (step % validation.every !== 0) continue;
    seconds += (performance.now() - since) / 1000;
    const policy = learner.exportPolicy();
    const tried = play({ env, policy, seed: VALIDATION_SEED + step, episodes: validation.episodes, epsilon });
    validationSteps += tried.steps;
    const mean = meanOf(tried.returns);
    // The later of equals: it has seen more.
    if (mean >= best.mean) best = { mean, step, policy };
    const training = meanOf(returns.slice(-CURVE_EPISODES));
    curve.push({ step, training, validation: mean });
    onProgress?.(`seed ${seed} step ${step}: training ${training.toFixed(1)}, validation ${mean.toFixed(1)}`);
    if (mean >= validation.stopAt) break;
    since = performance.now();
  }
  seconds += (performance.now() - since) / 1000;
  const evaluate = (policy: PolicyExport): number[] =>
    play({ env, policy, seed: EVALUATION_SEED, episodes: EVALUATION_EPISODES, epsilon }).returns;
  const selected = evaluate(best.policy);
  const gradientSteps = (learner.snapshot() as DqnState).trainer.steps;
  return {
    seed,
    selected: meanOf(selected),
    spread: deviationOf(selected),
    last: meanOf(evaluate(learner.exportPolicy())),
    selectedAtStep: best.step,
    trainingSteps: step,
    validationSteps,
    gradientSteps,
    stepsPerSecond: step / seconds,
    gradientStepsPerSecond: gradientSteps / seconds,
    curve,
  };
}

/** Episodes played by the exported policy, read as a host would, but with ε as given. */
function play({
  env,
  policy: exported,
  seed,
  episodes,
  epsilon,
}: {
  env: string;
  policy: PolicyExport;
  seed: number;
  episodes: number;
  epsilon: number;
}): { returns: number[]; steps: number } {
  const exploration = { kind: 'epsilon-greedy', epsilon };
  const parameters = { ...(exported.parameters as object), exploration };
  const policy = mlpQPolicy({ policy: { id: env, version: 1 }, parameters });
  const chance = seededRandom(seed);
  const world = createEnvironment(env, seed);
  const candidates = Array.from({ length: world.actions }, (_, action): Candidate => ({
    id: actionId(action),
    features: {},
    nonPersonal: true,
  }));
  const context = {
    surface: env,
    subjectKind: 'rider',
    personalized: true,
    context: {},
    features: {},
    nowMs: 0,
  } as const;
  let steps = 0;
  const returns = Array.from({ length: episodes }, () => {
    let { observation } = world.reset();
    for (let total = 0; ;) {
      const distribution = policy.distribution({ ...context, observation: [...observation] }, candidates);
      const step = world.step(draw(distribution, chance));
      steps++;
      total += step.reward;
      if (step.terminated || step.truncated) return total;
      ({ observation } = step);
    }
  });
  return { returns, steps };
}

interface Moment {
  readonly env: string;
  readonly observation: Float64Array;
  readonly info: { readonly actionMask?: Uint8Array };
  readonly action: number;
  readonly propensity: number;
  readonly after: ReturnType<Environment['step']>;
  readonly episode: number;
  readonly place: number;
}

function experienceOf(world: Environment, moment: Moment): Experience {
  const { env, observation, info, action, propensity, after, episode, place } = moment;
  const eligible = (mask: Uint8Array | undefined): string[] =>
    Array.from({ length: world.actions }, (_, i) => i)
      .filter((i) => mask?.[i] !== 0)
      .map(actionId);
  return {
    decisionId: `${episode}.${place}`,
    surface: env,
    status: 'complete',
    decidedAtMs: 0,
    closedAtMs: 0,
    policy: { id: env, version: 1 },
    slate: [{ id: actionId(action), propensity }],
    eligible: eligible(info.actionMask),
    distribution: [],
    context: {},
    features: {},
    reward: after.reward,
    rewardedId: actionId(action),
    events: [],
    observation: [...observation],
    episode: String(episode),
    step: place,
    next: after.terminated ? null : { observation: [...after.observation], eligible: eligible(after.info.actionMask) },
    ...(after.terminated ? { ending: 'terminal' } : after.truncated ? { ending: 'truncated' } : {}),
  };
}

function draw(distribution: ArrayLike<number>, random: Random): number {
  const u = random.next();
  let total = 0;
  let last = 0;
  for (let i = 0; i < distribution.length; i++) {
    if (distribution[i] === 0) continue;
    last = i;
    if (u < (total += distribution[i]!)) return i;
  }
  return last;
}

export const meanOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

export function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}
