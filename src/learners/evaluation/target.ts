/** The policy that is evaluated, asked about what was logged. */
import { invalidRequest } from '../../kernel/errors.js';
import type { Candidate } from '../../messages/decisions.js';
import type { DecisionContext, Policy } from '../../policies/policy.js';
import { assertDistribution } from '../../policies/sampling.js';
import { conditionalsOf } from './conditionals.js';
import { flatten, numericFeatures } from './features.js';
import type { LoggedChoice, LoggedDecision } from './logged.js';

/** What the target does at one logged choice, given what the log has before it. */
export interface TargetChoice {
  /** Probability of what was chosen. */
  readonly chosen: number;
  /** Probabilities of the choice's `eligible`, in its order, where they are known. */
  readonly distribution?: readonly number[];
  /** True where the target knows nothing of what was eligible, and shares its probability out evenly. */
  readonly guessed?: true;
}

export interface TargetPolicy {
  readonly name: string;
  /** One answer for each of the decision's choices. */
  of(decision: LoggedDecision): readonly TargetChoice[];
}

export const uniformTarget: TargetPolicy = {
  name: 'uniform',
  of: ({ choices }) =>
    choices.map(({ eligible }) => {
      const share = 1 / eligible.length;
      return { chosen: share, distribution: eligible.map(() => share) };
    }),
};

/** The policy that logged: all weights are 1, and the estimate is the value that was had. */
export const loggedTarget: TargetPolicy = {
  name: 'logged',
  of: ({ choices }) =>
    choices.map(({ propensity, distribution }) => ({
      chosen: propensity,
      ...(distribution === undefined ? {} : { distribution }),
    })),
};

/**
 * Any policy of Attune's families, mixed with an exploration floor. Candidates carry the numbers of a logged action's
 * features (texts become `name=text`), the context its scalars. Throws Invariant `POLICY_DISTRIBUTION` where the policy
 * gives no distribution.
 */
export function policyTarget(policy: Policy, floor = 0): TargetPolicy {
  const ask = (context: DecisionContext, candidates: readonly Candidate[]): readonly number[] => {
    const base = policy.distribution(context, candidates);
    assertDistribution(base, candidates.length);
    const share = floor / base.length;
    return floor === 0 ? base : base.map((p) => (1 - floor) * p + share);
  };
  return {
    name: `${policy.ref.id}@${policy.ref.version}`,
    of(decision) {
      const context = contextOf(decision);
      const candidates = decision.actions.map(candidateOf);
      // Slots of slates have actions of their own, and the policy is asked slot by slot.
      const whole = decision.kind === 'slates' ? undefined : ask(context, candidates);
      return decision.choices.map((choice) => {
        const only = (indices: readonly number[]): readonly number[] =>
          ask(
            context,
            indices.map((index) => candidates[index]!),
          );
        const given = whole === undefined ? only(choice.eligible) : conditionalsOf(whole, floor, choice.eligible, only);
        if (given === undefined) throw noDistribution(policy, choice);
        return { chosen: given[choice.eligible.indexOf(choice.action)]!, distribution: given };
      });
    },
  };
}

/** How often each action was chosen at each position of a log: a target without context. */
export class FrequencyTarget implements TargetPolicy {
  readonly name: string;
  readonly #counts = new Map<number, Map<string, number>>();

  constructor(name: string) {
    this.name = name;
  }

  add({ choices, actions, weight }: LoggedDecision): void {
    for (const { position, action } of choices) {
      let counts = this.#counts.get(position);
      if (counts === undefined) this.#counts.set(position, (counts = new Map()));
      const id = actions[action]!.id;
      counts.set(id, (counts.get(id) ?? 0) + weight);
    }
  }

  /** Uniform, and said to be guessed, where none of what is eligible was ever chosen at the position. */
  of({ choices, actions }: LoggedDecision): readonly TargetChoice[] {
    return choices.map(({ position, action, eligible }) => {
      const counts = this.#counts.get(position);
      const shares = eligible.map((index) => counts?.get(actions[index]!.id) ?? 0);
      const total = shares.reduce((sum, share) => sum + share, 0);
      const distribution = shares.map((share) => (total > 0 ? share / total : 1 / eligible.length));
      const chosen = distribution[eligible.indexOf(action)]!;
      return { chosen, distribution, ...(total > 0 ? {} : { guessed: true as const }) };
    });
  }
}

function contextOf({ context, asked }: LoggedDecision): DecisionContext {
  return {
    surface: asked?.surface ?? '',
    subjectKind: 'rider',
    personalized: true,
    context: Object.fromEntries(flatten(context)),
    features: asked?.subject ?? {},
    nowMs: asked?.atMs ?? 0,
    ...(asked?.state === undefined ? {} : { state: asked.state }),
    ...(asked?.observation === undefined ? {} : { observation: asked.observation }),
  };
}

const candidateOf = ({ id, features }: LoggedDecision['actions'][number]): Candidate => ({
  id,
  features: Object.fromEntries(numericFeatures(features)),
  nonPersonal: true,
});

const noDistribution = (policy: Policy, { position }: LoggedChoice): Error =>
  invalidRequest(
    'TARGET_NO_DISTRIBUTION',
    `Policy ${policy.ref.id} gives no distribution over what was left at position ${position + 1}.`,
    'policy',
  );
