/** Trains a learner plug-in on an environment: what it does becomes experience, as decisions of a surface would. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { seededRandom, type SeededRandom } from '../../kernel/random.js';
import type { Experience, NextState } from '../../messages/decisions.js';
import type { Policy } from '../../policies/policy.js';
import type { PolicyFamilies } from '../../policies/registry/policy-of.js';
import { actsInProcess } from '../environments/acts-in-process.js';
import type { Environment, StepInfo } from '../environments/environment.js';
import type { AnyLearnerPlugin, Learner } from '../learner.js';
import {
  ActionSpace,
  chooseByPolicy,
  chooseInProcess,
  policyOfExport,
  type Choice,
  type Situation,
} from './behaviour.js';
import type { StateOf } from './discretise.js';

/** Seeds of a run's streams of chance: independent for each purpose, as the generator takes both words of a seed. */
const PURPOSES = { learner: 0, behaviour: 1, environment: 2, evaluation: 3 } as const;
export const SEED_MAX = 0xffffffff;
/** `seed` is a whole number in [0, SEED_MAX]. */
export const seedFor = (seed: number, purpose: keyof typeof PURPOSES): number =>
  seed + PURPOSES[purpose] * (SEED_MAX + 1);

/** Steps between two looks at the event loop, for an interrupt or a progress line. */
const STEPS_PER_TURN = 256;

export interface TrainingSpec {
  readonly plugin: AnyLearnerPlugin;
  /** As the plug-in's own schema has parsed it. */
  readonly config: unknown;
  readonly environment: Environment;
  readonly stateOf: StateOf;
  /** Environment steps to take. */
  readonly steps: number;
  readonly seed: number;
  /** Experiences handed to the learner at once. */
  readonly batch: number;
  /** Steps after which the acting policy is made again from the learner's export; unused where it acts in process. */
  readonly refresh: number;
  /** Reads what the learner exports. */
  readonly families: PolicyFamilies;
}

export interface EpisodeResult {
  /** Environment steps taken when it was over, of the whole run. */
  readonly endedAt: number;
  readonly length: number;
  /** Sum of its rewards, undiscounted. */
  readonly return: number;
}

export interface TrainingProgress {
  readonly steps: number;
  readonly episodes: readonly EpisodeResult[];
}

export interface TrainingResult extends TrainingProgress {
  readonly learner: Learner<unknown>;
  /** Experiences that the learner said it learned from. */
  readonly learned: number;
  readonly lossSum: number;
}

/**
 * Takes `steps` steps, episode after episode, and rejects soon after `signal` aborts. The same spec gives the same
 * learner, bit for bit. An experience is handed on once the next action is chosen, so that on-policy learners know it.
 */
export async function train(
  spec: TrainingSpec,
  signal: AbortSignal,
  onProgress: (progress: TrainingProgress) => void = () => undefined,
): Promise<TrainingResult> {
  const run = new TrainingRun(spec, signal);
  while (run.steps < spec.steps) {
    signal.throwIfAborted();
    const until = Math.min(run.steps + STEPS_PER_TURN, spec.steps);
    while (run.steps < until) {
      const learning = run.step();
      if (learning !== undefined) await learning;
    }
    onProgress(run);
    await nextTurn();
  }
  await run.finish();
  const { steps, episodes, learner, learned, lossSum } = run;
  return { steps, episodes, learner, learned, lossSum };
}

class TrainingRun {
  steps = 0;
  learned = 0;
  lossSum = 0;
  readonly episodes: EpisodeResult[] = [];
  readonly learner: Learner<unknown>;
  readonly #spec: TrainingSpec;
  readonly #signal: AbortSignal;
  readonly #space: ActionSpace;
  readonly #random: SeededRandom;
  #situation: Situation;
  #choice: Choice;
  #policy: Policy | undefined;
  #policyVersion = 0;
  #return = 0;
  #length = 0;
  #batch: Experience[] = [];

  constructor(spec: TrainingSpec, signal: AbortSignal) {
    const { plugin, config, environment, seed } = spec;
    this.#spec = spec;
    this.#signal = signal;
    this.#space = new ActionSpace(environment.id, environment.actions);
    this.#random = seededRandom(seedFor(seed, 'behaviour'));
    this.learner = plugin.create(config, { random: seededRandom(seedFor(seed, 'learner')), surface: environment.id });
    this.#situation = this.#situationOf(environment.reset(seedFor(seed, 'environment')));
    this.#choice = this.#choose();
  }

  /** One step of the environment; a promise where the learner is learning from a batch and must be waited for. */
  step(): Promise<void> | undefined {
    const { environment } = this.#spec;
    const [situation, choice] = [this.#situation, this.#choice];
    const { reward, terminated, truncated, ...after } = environment.step(choice.action);
    this.steps++;
    this.#length++;
    const experience = this.#experienceOf(situation, choice, reward);
    this.#return += reward;
    const following = this.#situationOf(after);
    const over = terminated || truncated;
    if (!over) {
      this.#situation = following;
      this.#choice = this.#choose();
    }
    const next = terminated ? null : this.#nextOf(following, over ? undefined : this.#choice);
    this.#batch.push({
      ...experience,
      next,
      ...(over ? { ending: terminated ? 'terminal' : 'truncated' } : {}),
    });
    if (over) {
      this.episodes.push({ endedAt: this.steps, length: this.#length, return: this.#return });
      [this.#length, this.#return] = [0, 0];
      this.#situation = this.#situationOf(environment.reset());
      this.#choice = this.#choose();
    }
    return this.#batch.length < this.#spec.batch ? undefined : this.#learn();
  }

  async finish(): Promise<void> {
    if (this.#batch.length > 0) await this.#learn();
  }

  #learn(): Promise<void> | undefined {
    const batch = this.#batch;
    this.#batch = [];
    const report = this.learner.update(batch, this.#signal);
    const count = ({ learned, lossSum }: Awaited<typeof report>): void => {
      this.learned += learned;
      this.lossSum += lossSum ?? 0;
    };
    if (report instanceof Promise) return report.then(count);
    count(report);
    return undefined;
  }

  #choose(): Choice {
    const { learner } = this;
    if (actsInProcess(learner)) return chooseInProcess(this.#space, learner, this.#situation, this.#random);
    if (this.#policy === undefined || this.steps % this.#spec.refresh === 0) {
      const ref = { id: this.#space.surface, version: ++this.#policyVersion };
      this.#policy = policyOfExport(learner.exportPolicy(), ref, this.#spec.families);
    }
    return chooseByPolicy(this.#space, this.#policy, this.#situation, this.#random);
  }

  #situationOf({ observation, info }: { observation: Float64Array; info: StepInfo }): Situation {
    return { observation, state: this.#spec.stateOf(observation), mask: info.actionMask };
  }

  #nextOf({ observation, state, mask }: Situation, choice: Choice | undefined): NextState {
    return {
      ...(state === undefined ? {} : { state }),
      observation: Array.from(observation),
      eligible: choice?.eligible ?? this.#space.ids(this.#space.allowed(mask)),
      ...(choice === undefined ? {} : { action: this.#space.ids([choice.action])[0]! }),
    };
  }

  /** Times are steps: nothing here knows a clock. */
  #experienceOf({ observation, state }: Situation, choice: Choice, reward: number): Experience {
    const action = this.#space.ids([choice.action])[0]!;
    const episode = String(this.episodes.length);
    return {
      decisionId: `${episode}-${this.#length - 1}`,
      surface: this.#space.surface,
      status: 'complete',
      decidedAtMs: this.steps - 1,
      closedAtMs: this.steps,
      policy: { id: this.#space.surface, version: this.#policyVersion },
      slate: [{ id: action, propensity: choice.propensity }],
      eligible: choice.eligible,
      distribution: choice.distribution,
      context: {},
      features: {},
      reward,
      rewardedId: action,
      events: [],
      ...(state === undefined ? {} : { state }),
      observation: Array.from(observation),
      episode,
      step: this.#length - 1,
    };
  }
}
