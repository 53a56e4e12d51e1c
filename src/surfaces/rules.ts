/** What an operator rules about a surface's candidates, whatever its policy has learned: forbid and boost. */
import { z } from 'zod';
import type { Candidate } from '../messages/decisions.js';

export const RULES_MAX = 200;
/** A boost's factor, and its inverse, is at most this. */
export const BOOST_FACTOR_MAX = 1000;

/** Exactly one of the two: whom the rule is about. Candidates that never come do no harm. */
const target = {
  candidate: z.string().min(1).max(256).optional(),
  category: z.string().min(1).max(64).optional(),
};
const oneTarget = (rule: { candidate?: string | undefined; category?: string | undefined }): boolean =>
  (rule.candidate === undefined) !== (rule.category === undefined);
const ONE_TARGET = 'must name either a candidate or a category';

export const rulesSchema = z.strictObject({
  /** Never shown: filtered with the rule `forbidden`, before the policy is asked. */
  forbid: z.array(z.strictObject(target).refine(oneTarget, ONE_TARGET)).max(RULES_MAX).default([]),
  /**
   * Multiplies the candidate's probability by `factor`; all probabilities are then scaled to sum to 1, and the
   * exploration floor is mixed in after that. The factors of a candidate's own rule and its category's multiply. What a
   * policy never shows stays unshown: use a pin to show it.
   */
  boost: z
    .array(
      z
        .strictObject({
          ...target,
          factor: z
            .number()
            .min(1 / BOOST_FACTOR_MAX)
            .max(BOOST_FACTOR_MAX),
        })
        .refine(oneTarget, ONE_TARGET),
    )
    .max(RULES_MAX)
    .default([]),
});
export type RulesDefinition = z.infer<typeof rulesSchema>;

type Ruled = Pick<Candidate, 'id' | 'category'>;

/** Rules as lookups. */
export interface CandidateRules {
  forbids(candidate: Ruled): boolean;
  /** The factor on the candidate's probability; 1 where no rule is about it. Undefined where nothing is ever boosted. */
  readonly boostOf: ((candidate: Ruled) => number) | undefined;
}

export function compileRules({ forbid, boost }: RulesDefinition): CandidateRules {
  const forbidden = lookup(forbid, () => true);
  const boosted = lookup(boost, ({ factor }) => factor);
  return {
    forbids: (candidate) => forbidden.byId.has(candidate.id) || forbidden.ofCategory(candidate.category) !== undefined,
    boostOf:
      boost.length === 0
        ? undefined
        : (candidate) => (boosted.byId.get(candidate.id) ?? 1) * (boosted.ofCategory(candidate.category) ?? 1),
  };
}

/** Contradictions and duplicates; each a sentence that begins with the field. */
export function ruleProblems({ forbid, boost }: RulesDefinition, pinned: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const forbidden = new Set<string>();
  forbid.forEach((rule, i) => {
    const { key, field, name } = nameOf(rule);
    if (forbidden.has(key)) problems.push(`rules.forbid.${i}.${field}: ${name} is forbidden twice`);
    if (field === 'candidate' && pinned.has(name))
      problems.push(`rules.forbid.${i}.candidate: ${name} is pinned and forbidden`);
    forbidden.add(key);
  });
  const boosted = new Set<string>();
  boost.forEach((rule, i) => {
    const { key, field, name } = nameOf(rule);
    if (boosted.has(key)) problems.push(`rules.boost.${i}.${field}: ${name} is boosted twice`);
    if (forbidden.has(key)) problems.push(`rules.boost.${i}.${field}: ${name} is forbidden and boosted`);
    boosted.add(key);
  });
  return problems;
}

type Target = { readonly candidate?: string | undefined; readonly category?: string | undefined };

function nameOf({ candidate, category }: Target): { key: string; field: 'candidate' | 'category'; name: string } {
  return candidate === undefined
    ? { key: `category ${category}`, field: 'category', name: category! }
    : { key: `candidate ${candidate}`, field: 'candidate', name: candidate };
}

function lookup<Rule extends Target, Value>(rules: readonly Rule[], valueOf: (rule: Rule) => Value) {
  const byId = new Map<string, Value>();
  const byCategory = new Map<string, Value>();
  for (const rule of rules) {
    if (rule.candidate !== undefined) byId.set(rule.candidate, valueOf(rule));
    else byCategory.set(rule.category!, valueOf(rule));
  }
  const ofCategory = (category: string | undefined): Value | undefined =>
    category === undefined ? undefined : byCategory.get(category);
  return { byId, ofCategory };
}
