/** A learner and its own policy, closed in a loop without a network: decide, experience, learn, export, decide. */
import { drawFrom } from './draw.js';
import { parseLearnerConfig } from '../../src/learners/plugin-registry.js';
import type { AnyLearnerPlugin, Learner } from '../../src/learners/learner.js';
import { seededRandom, type SeededRandom } from '../../src/kernel/random.js';
import { candidateSchema, type Candidate, type Experience } from '../../src/messages/decisions.js';
import type { DecisionContext, Policy } from '../../src/policies/policy.js';
import { LEARNED_FAMILIES } from '../../src/policies/registry/learned-families.js';
import { experience } from '../support/learning.js';

export const contextOf = (state?: string): DecisionContext => ({
  surface: 's',
  subjectKind: 'rider',
  personalized: true,
  context: {},
  features: {},
  ...(state === undefined ? {} : { state }),
  nowMs: 0,
});

export const candidatesOf = (ids: readonly string[]): Candidate[] => ids.map((id) => candidateSchema.parse({ id }));

export const policyFrom = (learner: Learner<unknown>): Policy => {
  const { family, parameters } = learner.exportPolicy();
  return LEARNED_FAMILIES[family]!({ policy: { id: 'p', version: 1 }, parameters });
};

export class Loop {
  readonly world: SeededRandom;
  readonly random: SeededRandom;
  readonly learner: Learner<unknown>;
  #policy: Policy | undefined;

  constructor(
    private readonly plugin: AnyLearnerPlugin,
    private readonly config: unknown,
    seed: number,
    saved?: { state: unknown; random: readonly number[]; world: readonly number[] },
  ) {
    this.world = seededRandom(saved?.world ?? seed + 1_000_000);
    this.random = seededRandom(saved?.random ?? seed);
    const parsed = parseLearnerConfig(plugin, config);
    const state = saved === undefined ? undefined : plugin.stateSchema.parse(saved.state);
    this.learner = plugin.create(parsed, { random: this.random, surface: 's' }, state);
  }

  get policy(): Policy {
    return (this.#policy ??= policyFrom(this.learner));
  }

  choose(ids: readonly string[], state?: string): Partial<Experience> & { readonly action: string } {
    const distribution = this.policy.distribution(contextOf(state), candidatesOf(ids));
    const index = drawFrom(distribution, this.world.next());
    const action = ids[index]!;
    return {
      action,
      slate: [{ id: action, propensity: distribution[index]! }],
      eligible: ids,
      distribution,
      ...(state === undefined ? {} : { state }),
    };
  }

  learn(batch: readonly Partial<Experience>[]): void {
    void this.learner.update(batch.map(experience), new AbortController().signal);
    this.#policy = undefined;
  }

  /** The same loop, made again from what would be stored. */
  saveAndLoad(): Loop {
    const saved = { state: this.learner.snapshot(), random: this.random.state(), world: this.world.state() };
    return new Loop(this.plugin, this.config, 0, JSON.parse(JSON.stringify(saved)) as typeof saved);
  }
}
