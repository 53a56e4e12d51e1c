import type { Candidate, PolicyRef, Reason, SubjectKind } from '../messages/decisions.js';

/** What a policy may look at, besides the candidates. */
export interface DecisionContext {
  readonly surface: string;
  readonly subjectKind: SubjectKind;
  /** False without consent: `features` is then empty. */
  readonly personalized: boolean;
  /** The request's context. */
  readonly context: Readonly<Record<string, string | number | boolean>>;
  /** Features of the subject (recency, frequency, …), by name. */
  readonly features: Readonly<Record<string, number>>;
  /** The discretised state of surfaces that learn by Q-learning. */
  readonly state?: string;
  /** The state as numbers, in the order of the surface's `observation` terms. */
  readonly observation?: readonly number[];
  readonly nowMs: number;
}

/**
 * An immutable, versioned map from context and candidates to a probability distribution. Pure: never samples, never
 * reads a clock. Never call a learner a policy.
 */
export interface Policy {
  readonly ref: PolicyRef;
  /** How many numbers of `DecisionContext.observation` it needs; left out where it needs none. */
  readonly observationSize?: number;
  /** Probabilities in candidate order; they sum to 1 within 1e-9. Never called with no candidates. */
  distribution(context: DecisionContext, candidates: readonly Candidate[]): readonly number[];
  /** The value the policy sees in each candidate, in candidate order, in the unit of the reward. */
  scores(context: DecisionContext, candidates: readonly Candidate[]): readonly number[];
  /** Why the candidate at `index` stands where it stands: contributions, largest first. */
  explain(context: DecisionContext, candidates: readonly Candidate[], index: number): readonly Reason[];
}

/** Where the host finds the policies of a surface: the live one first, then its fallbacks, ending in a static answer. */
export interface PolicyDirectory {
  /** Undefined where nothing was ever published under the id. */
  get(policyId: string): Policy | undefined;
}
