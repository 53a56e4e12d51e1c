/** From an artifact to a policy that has been tried. */
import { EngineError } from '../../kernel/errors.js';
import type { Candidate } from '../../messages/decisions.js';
import type { Artifact } from '../artifact.js';
import type { DecisionContext, Policy } from '../policy.js';
import type { PolicyFamily } from '../source.js';

/** Candidates that no artifact knows: every policy must have an answer for them. */
const PROBE_CANDIDATES: readonly Candidate[] = ['probe-a', 'probe-b'].map((id) => ({
  id,
  features: {},
  nonPersonal: true,
}));
const PROBE_CONTEXT: DecisionContext = {
  surface: 'probe',
  subjectKind: 'rider',
  personalized: false,
  context: {},
  features: {},
  nowMs: 0,
};

export type PolicyFamilies = Readonly<Record<string, PolicyFamily>>;

/** Throws InvalidRequest `ARTIFACT_FAMILY_UNKNOWN`. */
export function familyOf<Family>(name: string, families: Readonly<Record<string, Family>>): Family {
  const family = Object.hasOwn(families, name) ? families[name] : undefined;
  if (family !== undefined) return family;
  throw refusal('ARTIFACT_FAMILY_UNKNOWN', `Nothing here reads the family ${name}.`, 'family');
}

/**
 * Makes a policy of an artifact and tries it. Throws InvalidRequest `ARTIFACT_FAMILY_UNKNOWN`, `ARTIFACT_DISTRIBUTION`,
 * or whatever its family has against the parameters.
 */
export function policyOf(artifact: Artifact, families: PolicyFamilies): Policy {
  const policy = familyOf(artifact.family, families)(artifact);
  tryPolicy(policy);
  return policy;
}

/** Throws InvalidRequest `ARTIFACT_DISTRIBUTION`. */
export function tryPolicy(policy: Policy): void {
  const observation = new Array<number>(policy.observationSize ?? 0).fill(0);
  const context: DecisionContext = { ...PROBE_CONTEXT, observation };
  const distribution = policy.distribution(context, PROBE_CANDIDATES);
  const total = distribution.reduce((sum, p) => sum + p, 0);
  const sound =
    distribution.length === PROBE_CANDIDATES.length &&
    distribution.every((p) => p >= 0) &&
    Math.abs(total - 1) <= 1e-9 &&
    policy.scores(context, PROBE_CANDIDATES).every(Number.isFinite);
  if (!sound) throw refusal('ARTIFACT_DISTRIBUTION', 'The policy does not give a distribution with finite scores.');
}

const refusal = (code: string, message: string, field?: string): EngineError =>
  new EngineError('InvalidRequest', code, message, field === undefined ? {} : { field });
