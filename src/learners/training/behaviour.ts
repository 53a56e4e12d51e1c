/** Who chooses the actions while a learner trains: its own policy, as far as it has come. */
import { EngineError } from '../../kernel/errors.js';
import type { Random } from '../../kernel/random.js';
import type { Candidate, PolicyRef } from '../../messages/decisions.js';
import type { DecisionContext, Policy } from '../../policies/policy.js';
import type { PolicyFamilies } from '../../policies/registry/policy-of.js';
import { assertDistribution, drawSlate } from '../../policies/sampling.js';
import { actionId, type ActsInProcess } from '../environments/acts-in-process.js';
import type { PolicyExport } from '../learner.js';

/** Where an action is to be chosen. */
export interface Situation {
  readonly observation: Float64Array;
  readonly state: string | undefined;
  readonly mask: Uint8Array | undefined;
}

export interface Choice {
  readonly action: number;
  /** The probability with which it was drawn. */
  readonly propensity: number;
  /** What could have been drawn, as ids of candidates, and with which probabilities. */
  readonly eligible: readonly string[];
  readonly distribution: readonly number[];
}

/** Throws InvalidRequest `ARTIFACT_FAMILY_UNKNOWN`, or whatever the family has against the parameters. */
export function policyOfExport(
  { family, parameters }: PolicyExport,
  policy: PolicyRef,
  families: PolicyFamilies,
): Policy {
  const make = Object.hasOwn(families, family) ? families[family] : undefined;
  if (make !== undefined) return make({ policy, parameters });
  throw new EngineError('InvalidRequest', 'ARTIFACT_FAMILY_UNKNOWN', `Nothing here reads the family ${family}.`, {
    field: 'family',
  });
}

/** An environment's actions as candidates. */
export class ActionSpace {
  readonly #candidates: readonly Candidate[];
  readonly #all: readonly number[];
  readonly #ids: readonly string[];

  constructor(
    readonly surface: string,
    actions: number,
  ) {
    this.#all = Array.from({ length: actions }, (_, action) => action);
    this.#ids = this.#all.map(actionId);
    this.#candidates = this.#ids.map((id) => ({ id, features: {}, nonPersonal: true }));
  }

  /** Actions that may be chosen, in ascending order. */
  allowed(mask: Uint8Array | undefined): readonly number[] {
    return mask === undefined ? this.#all : this.#all.filter((action) => mask[action] === 1);
  }

  ids(actions: readonly number[]): readonly string[] {
    return actions === this.#all ? this.#ids : actions.map((action) => this.#ids[action]!);
  }

  candidates(actions: readonly number[]): readonly Candidate[] {
    return actions === this.#all ? this.#candidates : actions.map((action) => this.#candidates[action]!);
  }

  contextOf({ observation, state }: Situation): DecisionContext {
    return {
      surface: this.surface,
      subjectKind: 'driver',
      personalized: true,
      context: {},
      features: {},
      ...(state === undefined ? {} : { state }),
      observation: Array.from(observation),
      nowMs: 0,
    };
  }
}

/** Draws as the policy's distribution says, as the engine draws a slate of one. */
export function chooseByPolicy(space: ActionSpace, policy: Policy, situation: Situation, random: Random): Choice {
  const actions = space.allowed(situation.mask);
  const distribution = policy.distribution(space.contextOf(situation), space.candidates(actions));
  return drawn(space, actions, distribution, random);
}

export function chooseInProcess(
  space: ActionSpace,
  learner: ActsInProcess,
  situation: Situation,
  random: Random,
): Choice {
  const actions = space.allowed(situation.mask);
  const all = learner.actionDistribution(situation.observation, situation.mask);
  return drawn(
    space,
    actions,
    actions.map((action) => all[action]!),
    random,
  );
}

/** The action that the policy sees most in, the first of equals. */
export function chooseGreedily(space: ActionSpace, policy: Policy, situation: Situation): number {
  const actions = space.allowed(situation.mask);
  const scores = policy.scores(space.contextOf(situation), space.candidates(actions));
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return actions[best]!;
}

function drawn(
  space: ActionSpace,
  actions: readonly number[],
  distribution: readonly number[],
  random: Random,
): Choice {
  assertDistribution(distribution, actions.length);
  const [draw] = drawSlate({ distribution, floor: 0, k: 1, random, reask: () => distribution });
  return {
    action: actions[draw!.index]!,
    propensity: draw!.propensity,
    eligible: space.ids(actions),
    distribution,
  };
}
