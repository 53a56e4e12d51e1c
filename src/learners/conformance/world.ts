/**
 * The world of the conformance suite: two candidates, one of which is better, in which not learning can only be a
 * mistake. Each decision is an episode of one step and carries everything that any kind of learner reads (state,
 * observation, features, context), so that the same world serves bandits and reinforcement learners alike.
 */
import { seededRandom, type SeededRandom } from '../../kernel/random.js';
import { candidateSchema, type Candidate, type Experience } from '../../messages/decisions.js';
import { encodeArtifact, openArtifact, sealArtifact } from '../../policies/artifact.js';
import type { DecisionContext, Policy } from '../../policies/policy.js';
import { LEARNED_FAMILIES } from '../../policies/registry/learned-families.js';
import { policyOf } from '../../policies/registry/policy-of.js';
import type { AnyLearnerPlugin, Learner } from '../learner.js';
import { parseLearnerConfig } from '../plugin-registry.js';

export const WORLD_SURFACE = 'conformance';
/** Ids of the candidates, and with which chance each earns a reward of 1. */
export const ARMS = ['a', 'b'] as const;
const CHANCES = [0.2, 0.8] as const;
export const BEST_ARM = 1;
const STATE = 'here';
const OBSERVATION = [1, 0] as const;
const CONTEXT = { hour: 12, weekday: 'mon' } as const;
const SUBJECT = { trips: 3 } as const;
/** One feature a candidate, so that a linear model can tell them apart. */
const FEATURES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  a: { x0: 1, x1: 0 },
  b: { x0: 0, x1: 1 },
};
/** Whatever a learner publishes, the loop shows each candidate at least this often. */
const FLOOR = 0.1;

const CANDIDATES: readonly Candidate[] = ARMS.map((id) => candidateSchema.parse({ id, features: FEATURES[id] }));

const DECISION_CONTEXT: DecisionContext = {
  surface: WORLD_SURFACE,
  subjectKind: 'rider',
  personalized: true,
  context: CONTEXT,
  features: SUBJECT,
  state: STATE,
  observation: OBSERVATION,
  nowMs: 0,
};

/** What a run is made again from; what the engine's checkpoint holds of a learner. */
export interface SavedRun {
  readonly state: unknown;
  readonly random: readonly number[];
  readonly world: readonly number[];
  readonly decisions: number;
}

/** A learner closed in a loop with the policy it exports. */
export class LearnerRun {
  readonly learner: Learner<unknown>;
  readonly #plugin: AnyLearnerPlugin;
  readonly #config: unknown;
  readonly #random: SeededRandom;
  readonly #world: SeededRandom;
  #decisions: number;

  /** Throws what the plug-in throws, and EngineError where the configuration or the saved state does not fit. */
  constructor(plugin: AnyLearnerPlugin, config: unknown, seed: number, saved?: SavedRun) {
    this.#plugin = plugin;
    this.#config = config;
    this.#random = seededRandom(saved?.random ?? seed);
    this.#world = seededRandom(saved?.world ?? seed + 1_000_000);
    this.#decisions = saved?.decisions ?? 0;
    const state = saved === undefined ? undefined : plugin.stateSchema.parse(saved.state);
    const deps = { random: this.#random, surface: WORLD_SURFACE };
    this.learner = plugin.create(parseLearnerConfig(plugin, config), deps, state);
  }

  /** What the learner has published so far, as a host would read it. Throws InvalidRequest `ARTIFACT_*`. */
  policy(): Policy {
    return policyOf(openArtifact(this.artifact()), LEARNED_FAMILIES);
  }

  /** The bytes of the artifact that it would publish now. */
  artifact(): Uint8Array {
    const { family, parameters } = this.learner.exportPolicy();
    return encodeArtifact(
      sealArtifact({
        schema: 1,
        family,
        policy: { id: WORLD_SURFACE, version: 1 },
        parameters,
        lineage: { learner: WORLD_SURFACE, experiences: this.#decisions, sequence: this.#decisions, createdAtMs: 0 },
      }),
    );
  }

  /** The share of decisions in which its policy would choose the better candidate. */
  bestShare(): number {
    return this.policy().distribution(DECISION_CONTEXT, CANDIDATES)[BEST_ARM]!;
  }

  /** Decides `count` times by the exported policy and gives what came of it. */
  decide(count: number): Experience[] {
    const base = this.policy().distribution(DECISION_CONTEXT, CANDIDATES);
    return this.#experiences(
      count,
      base.map((p) => (1 - FLOOR) * p + FLOOR / base.length),
    );
  }

  /** Decides by chance alone: the same experiences whatever the learner. */
  wander(count: number): Experience[] {
    return this.#experiences(
      count,
      ARMS.map(() => 1 / ARMS.length),
    );
  }

  async learn(batch: readonly Experience[], signal: AbortSignal = new AbortController().signal): Promise<void> {
    const report = (await this.learner.update(batch, signal)) as { learned?: unknown } | undefined;
    const learned = report?.learned;
    if (typeof learned !== 'number' || !Number.isInteger(learned) || learned < 0 || learned > batch.length)
      throw new Error(
        `update() must resolve to {learned: a count from 0 to ${batch.length}}, not ${JSON.stringify(report)}.`,
      );
  }

  save(): SavedRun {
    return {
      state: this.learner.snapshot(),
      random: this.#random.state(),
      world: this.#world.state(),
      decisions: this.#decisions,
    };
  }

  /** The same run, made again from what would be stored. */
  saveAndLoad(): LearnerRun {
    return new LearnerRun(this.#plugin, this.#config, 0, JSON.parse(JSON.stringify(this.save())) as SavedRun);
  }

  #experiences(count: number, distribution: readonly number[]): Experience[] {
    return Array.from({ length: count }, () => {
      const chosen = this.#world.next() < distribution[0]! ? 0 : 1;
      const reward = this.#world.next() < CHANCES[chosen]! ? 1 : 0;
      return worldExperience(this.#decisions++, { chosen, reward, distribution });
    });
  }
}

/** One decision of the world with its reward: complete, one step long, its episode over. */
export function worldExperience(
  number: number,
  { chosen, reward, distribution }: { chosen: number; reward: number; distribution: readonly number[] },
): Experience {
  const id = ARMS[chosen]!;
  return {
    decisionId: `decision-${number}`,
    surface: WORLD_SURFACE,
    status: 'complete',
    decidedAtMs: number,
    closedAtMs: number + 1,
    policy: { id: WORLD_SURFACE, version: 1 },
    slate: [{ id, propensity: distribution[chosen]! }],
    eligible: ARMS,
    distribution,
    context: CONTEXT,
    features: FEATURES,
    subject: SUBJECT,
    reward,
    rewardedId: reward > 0 ? id : null,
    events: [],
    state: STATE,
    observation: OBSERVATION,
    episode: `episode-${number}`,
    step: 0,
    next: null,
    ending: 'terminal',
  };
}
