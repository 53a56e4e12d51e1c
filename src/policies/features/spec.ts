/**
 * Which numbers a linear model sees. A spec is declared by an operator, travels in the artifact, and is read by the
 * learner and by the policy: what was learned from is what is decided on.
 */
import { z } from 'zod';

/** Numbers in one encoded vector. */
export const FEATURES_MAX = 4096;
const TERMS_MAX = 256;
const LEVELS_MAX = 512;
/** Scaled numbers are clamped to ± this at most, so that no sum of squares of them overflows. */
const LIMIT_MAX = 1e4;

const finite = z.number().refine(Number.isFinite, 'must be finite');
const name = z.string().min(1).max(64);
/** Where a value is looked up: the request's context, the candidate's features, or the subject's. */
const from = z.enum(['context', 'candidate', 'subject']);
/** How crosses and explanations call the term; `from.name` if left out. */
const as = z.string().min(1).max(128).optional();

const termSchema = z.discriminatedUnion('kind', [
  /** Always 1. */
  z.strictObject({ kind: z.literal('bias') }),
  /** (value − offset)·scale, clamped to ±limit; true is 1 and false 0. Text, and no value, count as missing. */
  z.strictObject({
    kind: z.literal('number'),
    from,
    name,
    as,
    offset: finite.default(0),
    scale: finite.refine((scale) => scale !== 0, 'must not be 0').default(1),
    limit: z.number().positive().max(LIMIT_MAX).default(100),
    /** What stands for a missing value, after scaling. */
    missing: z.number().min(-LIMIT_MAX).max(LIMIT_MAX).default(0),
  }),
  /** One number a level: 1 where the value, as text, is that level. No value and unknown ones are 0 everywhere. */
  z.strictObject({
    kind: z.literal('category'),
    from,
    name,
    as,
    levels: z.array(z.string().max(256)).min(1).max(LEVELS_MAX),
    /** Adds a number that is 1 where there is a value that is no level. */
    other: z.boolean().default(false),
  }),
  /**
   * The value as text, hashed to one of `buckets` numbers (Weinberger et al., ICML 2009) by 32-bit FNV-1a over UTF-8: the
   * low bits choose the bucket, the highest one the sign where `signed`. `words` hashes each run of letters and digits in
   * lower case, and scales the sum to length 1. No value is 0 everywhere.
   */
  z.strictObject({
    kind: z.literal('hashed'),
    from,
    name,
    as,
    buckets: z.number().int().min(1).max(FEATURES_MAX),
    split: z.enum(['whole', 'words']).default('whole'),
    signed: z.boolean().default(false),
  }),
  /** The candidate's id, hashed likewise: what a shared model knows of each candidate by itself. */
  z.strictObject({ kind: z.literal('identity'), as, buckets: z.number().int().min(1).max(FEATURES_MAX) }),
  /** All products of a number of one earlier term and a number of another (or the same). */
  z.strictObject({ kind: z.literal('cross'), as, of: z.tuple([z.string(), z.string()]) }),
]);
export type FeatureTerm = z.infer<typeof termSchema>;

/** What crosses and explanations call a term. */
export function labelOf(term: FeatureTerm): string {
  if (term.kind === 'bias') return 'bias';
  if (term.as !== undefined) return term.as;
  if (term.kind === 'identity') return 'candidate.id';
  return term.kind === 'cross' ? `${term.of[0]}×${term.of[1]}` : `${term.from}.${term.name}`;
}

export const featureSpecSchema = z
  .strictObject({
    /** Format version of this spec: how its terms become numbers. */
    version: z.literal(1).default(1),
    terms: z.array(termSchema).min(1).max(TERMS_MAX),
  })
  .superRefine(({ terms }, context) => {
    const widths = new Map<string, number>();
    let total = 0;
    for (const [i, term] of terms.entries()) {
      const issue = (message: string, ...path: (string | number)[]): void =>
        context.addIssue({ code: 'custom', message, path: ['terms', i, ...path] });
      const label = labelOf(term);
      if (widths.has(label)) issue(`must not repeat ${label}; give it another name by 'as'`);
      if (term.kind === 'category' && new Set(term.levels).size !== term.levels.length)
        issue('must not repeat', 'levels');
      if (term.kind === 'cross')
        for (const [side, of] of term.of.entries())
          if (!widths.has(of)) issue(`${of} is no term before this one`, 'of', side);
      const width = widthOf(term, widths);
      widths.set(label, width);
      total += width;
    }
    if (total > FEATURES_MAX)
      context.addIssue({
        code: 'custom',
        message: `make ${total} numbers; ${FEATURES_MAX} are allowed`,
        path: ['terms'],
      });
  })
  .readonly();
export type FeatureSpec = z.infer<typeof featureSpecSchema>;

/** How many numbers a term makes; `widths` are those of the terms before it, by label. */
export function widthOf(term: FeatureTerm, widths: ReadonlyMap<string, number>): number {
  switch (term.kind) {
    case 'bias':
    case 'number':
      return 1;
    case 'category':
      return term.levels.length + (term.other ? 1 : 0);
    case 'hashed':
    case 'identity':
      return term.buckets;
    case 'cross':
      return (widths.get(term.of[0]) ?? 0) * (widths.get(term.of[1]) ?? 0);
  }
}
