/** What a held-out experience says of the one choice that candidates are judged by: the first that a policy made. */
import { invalidRequest } from '../../kernel/errors.js';
import type { Candidate, Experience } from '../../messages/decisions.js';
import type { DecisionContext, Policy } from '../../policies/policy.js';
import { withBoost } from '../../policies/boost.js';
import { withFloor } from '../../policies/floor.js';
import { firstChoice } from '../credit.js';
import { conditionalsOf } from '../evaluation/conditionals.js';

export interface HeldOutDecision {
  /** Probability of each open candidate with which it could have been chosen there; they sum to 1. */
  readonly propensities: readonly number[];
  /** Index of what was chosen, among the open candidates. */
  readonly chosen: number;
  /** In the unit of the surface. */
  readonly reward: number;
  /** What `policy`, served with the same boosts and floor, would have done there. Throws what the policy throws. */
  distributionOf(policy: Policy): readonly number[];
}

/** The logged propensity is this close to what the logged distribution gives, or they are of different things. */
const PROPENSITY_TOLERANCE = 1e-6;

/**
 * Undefined for what cannot be judged: a decision that was not completed, showed nothing by a policy's choice, or does
 * not fit itself. The slate's reward counts where it was earned by the judged item, or by none in particular.
 */
export function heldOutDecision(experience: Experience): HeldOutDecision | undefined {
  const { status, ending, slate, eligible, distribution, features, boosts } = experience;
  if (status !== 'complete' || ending === 'withdrawn') return undefined;
  const first = firstChoice(experience);
  if (first === undefined || eligible.length !== distribution.length) return undefined;
  const { item: shown } = first;
  const pinned = new Set(slate.filter((item) => item.forced).map(({ id }) => id));
  const open = eligible.flatMap((id, index) => (pinned.has(id) ? [] : [index]));
  const floor = experience.explorationFloor ?? 0;
  const propensities = conditionalsOf(distribution, floor, open);
  const chosen = open.findIndex((index) => eligible[index] === shown.id);
  if (propensities === undefined || chosen < 0 || !(shown.propensity > 0)) return undefined;
  if (!(Math.abs(propensities[chosen]! - shown.propensity) <= PROPENSITY_TOLERANCE)) return undefined;
  const context = contextOf(experience);
  const known = Object.keys(features).length > 0;
  const candidates = eligible.map((id) => candidateOf(id, known ? features[id] : {}));
  return {
    propensities,
    chosen,
    reward: first.reward,
    distributionOf(policy) {
      // Throws for what is no distribution, boosted or not.
      const boosted = withBoost(policy, ({ id }) => factorOf(boosts ?? {}, id));
      const served = withFloor(boosted, floor);
      const ask = (indices: readonly number[]): readonly number[] =>
        served.distribution(
          context,
          indices.map((index) => candidates[index]!),
        );
      return conditionalsOf(ask([...candidates.keys()]), floor, open, ask)!;
    },
  };
}

/**
 * A surface may log the features of what was shown and of nothing else. A policy that looks at the others' is not judged by
 * zeros in their place: it throws `FEATURES_NOT_LOGGED`, and has no answer on this decision.
 */
function candidateOf(id: string, features: Candidate['features'] | undefined): Candidate {
  if (features !== undefined) return { id, features, nonPersonal: true };
  return {
    id,
    get features(): never {
      throw invalidRequest(
        'FEATURES_NOT_LOGGED',
        `The features of ${id} were not logged with the decision.`,
        'features',
      );
    },
    nonPersonal: true,
  };
}

/** Ids are the app's: one may be called as something that every object has. */
const factorOf = (boosts: Readonly<Record<string, number>>, id: string): number =>
  Object.hasOwn(boosts, id) ? boosts[id]! : 1;

const contextOf = ({ surface, context, subject, state, observation, decidedAtMs }: Experience): DecisionContext => ({
  surface,
  // Not logged, and no family looks at it.
  subjectKind: 'rider',
  personalized: true,
  context,
  features: subject ?? {},
  ...(state === undefined ? {} : { state }),
  ...(observation === undefined ? {} : { observation }),
  nowMs: decidedAtMs,
});
