/** Policies declared in YAML, one a file. */
import { z } from 'zod';
import { readYamlFolder, type Problem } from '../kernel/config/index.js';
import { EngineError } from '../kernel/errors.js';
import { POLICY_FAMILIES } from './families.js';
import type { Policy, PolicyDirectory } from './policy.js';
import type { PolicyFamily } from './source.js';
import { STATIC_FAMILY, staticPolicy } from './static/policy.js';

const declarationSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,127}$/, 'must be lower-case words joined by -'),
  version: z.number().int().nonnegative(),
  family: z.string(),
  parameters: z.unknown().optional(),
});

/** The last resort where even a chain's static end is missing: the order in which candidates were given. */
export const GIVEN_ORDER: Policy = staticPolicy({
  policy: { id: 'given-order', version: 0 },
  parameters: { order: 'given' },
});

export interface DeclaredPolicies extends PolicyDirectory {
  readonly ids: readonly string[];
  /** Whether a policy always gives the same answer: what a fallback chain must end in. */
  isStatic(policyId: string): boolean;
}

/**
 * Reads every *.yaml of a folder. Throws Configuration `POLICIES_INVALID` that lists all problems, each with its file
 * and field.
 */
export function loadPolicies(
  folder: string,
  families: Readonly<Record<string, PolicyFamily>> = POLICY_FAMILIES,
): DeclaredPolicies {
  const problems: Problem[] = [];
  const policies = readPolicies(folder, problems, families);
  if (problems.length === 0) return policies;
  const lines = problems.map(({ field, rule }) => `${field}: ${rule}`);
  throw new EngineError('Configuration', 'POLICIES_INVALID', lines.join('\n'));
}

/** As loadPolicies, for who has more to check before everything is said: what is sound, and the rest in `problems`. */
export function readPolicies(
  folder: string,
  problems: Problem[],
  families: Readonly<Record<string, PolicyFamily>> = POLICY_FAMILIES,
): DeclaredPolicies {
  const policies = new Map<string, Policy>([[GIVEN_ORDER.ref.id, GIVEN_ORDER]]);
  const statics = new Set<string>([GIVEN_ORDER.ref.id]);
  for (const { file, value } of readYamlFolder(folder, 'policiesDir', problems)) {
    const problem = (rule: string): number => problems.push({ field: file, rule });
    try {
      const declared = declarationSchema.safeParse(value);
      if (!declared.success) {
        for (const issue of declared.error.issues) problem(`${issue.path.join('.')}: ${issue.message}`);
        continue;
      }
      const { id, version, family, parameters } = declared.data;
      const make = Object.hasOwn(families, family) ? families[family] : undefined;
      if (make === undefined) {
        problem(`family: ${family} is none of ${Object.keys(families).join(', ')}`);
      } else if (policies.has(id)) {
        problem(`id: ${id} is declared twice`);
      } else {
        policies.set(id, make({ policy: { id, version }, parameters }));
        if (family === STATIC_FAMILY) statics.add(id);
      }
    } catch (error) {
      problem(error instanceof Error ? error.message : String(error));
    }
  }
  return {
    ids: [...policies.keys()],
    get: (policyId) => policies.get(policyId),
    isStatic: (policyId) => statics.has(policyId),
  };
}

/** Several directories as one: the first that knows an id answers. */
export const chainDirectories = (...directories: readonly PolicyDirectory[]): PolicyDirectory => ({
  get(policyId) {
    for (const directory of directories) {
      const policy = directory.get(policyId);
      if (policy !== undefined) return policy;
    }
    return undefined;
  },
});
