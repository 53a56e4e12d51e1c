/** Always the same answer: the best by one feature, or the first given. What every fallback chain ends in. */
import { z } from 'zod';
import type { Candidate, Reason } from '../../messages/decisions.js';
import type { Policy } from '../policy.js';
import { parametersOf, type PolicySource } from '../source.js';

export const STATIC_FAMILY = 'static';

export const staticParametersSchema = z.discriminatedUnion('order', [
  z.strictObject({ order: z.literal('given') }),
  z.strictObject({
    order: z.enum(['ascending', 'descending']),
    /** Candidates without it come last. */
    feature: z.string().min(1).max(64),
  }),
]);
export type StaticParameters = z.infer<typeof staticParametersSchema>;

/**
 * Probability 1 on the candidate with the highest score, the first of equals. Scores: the feature (negated where less
 * is better), or minus the place in the given order.
 */
export function staticPolicy(source: PolicySource): Policy {
  const parameters = parametersOf(staticParametersSchema, source);
  const score = scoreBy(parameters);
  const scores = (candidates: readonly Candidate[]): number[] => candidates.map(score);
  return {
    ref: source.policy,
    distribution(_context, candidates) {
      const values = scores(candidates);
      let best = 0;
      for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
      return values.map((_, i) => (i === best ? 1 : 0));
    },
    scores: (_context, candidates) => scores(candidates),
    explain: (_context, candidates, index) => [reasonFor(parameters, candidates[index]!, index)],
  };
}

/** The worst finite score, for candidates that lack the feature: infinities do not survive JSON. */
const MISSING = -Number.MAX_VALUE;

function scoreBy(parameters: StaticParameters): (candidate: Candidate, index: number) => number {
  if (parameters.order === 'given') return (_candidate, index) => -index;
  const { feature } = parameters;
  if (parameters.order === 'ascending') {
    return ({ features }) => (features[feature] === undefined ? MISSING : -features[feature]);
  }
  return ({ features }) => features[feature] ?? MISSING;
}

function reasonFor(parameters: StaticParameters, candidate: Candidate, index: number): Reason {
  if (parameters.order === 'given')
    return { code: 'order', text: `It was number ${index + 1} in the list.`, contribution: -index };
  const value = candidate.features[parameters.feature];
  const ascending = parameters.order === 'ascending';
  if (value === undefined) return { code: 'order', text: `Nothing is known of its ${parameters.feature}.` };
  return {
    code: 'order',
    text: `Ordered by ${parameters.feature}, ${ascending ? 'lowest' : 'highest'} first: ${value}.`,
    contribution: ascending ? -value : value,
  };
}
