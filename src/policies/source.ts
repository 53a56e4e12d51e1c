import type { z } from 'zod';
import { EngineError } from '../kernel/errors.js';
import type { PolicyRef } from '../messages/decisions.js';
import type { Policy } from './policy.js';

/** What a policy is made from: an artifact, or the like of it declared in config/policies/*.yaml. */
export interface PolicySource {
  readonly policy: PolicyRef;
  /** Plain JSON; each family has its schema. */
  readonly parameters: unknown;
}

/** Makes a policy of one family; throws Configuration `POLICY_PARAMETERS` naming the parameter at fault. */
export type PolicyFamily = (source: PolicySource) => Policy;

/**
 * A family whose parameters learners export. Large ones are compiled in a worker thread, and what that gives is installed
 * between decisions.
 */
export interface LearnedFamily<Form = unknown> extends PolicyFamily {
  /**
   * Checks the parameters. The form is plain data: it crosses threads, and whatever there may be much of lies in typed arrays,
   * which are handed over. Throws Configuration `POLICY_PARAMETERS`.
   */
  compile(source: PolicySource): Form;
  /** The policy of a form, in a time that does not grow with the number of arms. The form is the policy's from then on. */
  install(policy: PolicyRef, form: Form): Policy;
}

export function learnedFamily<Form>(
  compile: (source: PolicySource) => Form,
  install: (policy: PolicyRef, form: Form) => Policy,
): LearnedFamily<Form> {
  return Object.assign((source: PolicySource) => install(source.policy, compile(source)), { compile, install });
}

/** Checks a source's parameters against its family's schema. */
export function parametersOf<T>(schema: z.ZodType<T>, source: PolicySource): T {
  const parsed = schema.safeParse(source.parameters ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = ['parameters', ...issue.path].join('.');
  throw new EngineError(
    'Configuration',
    'POLICY_PARAMETERS',
    `Policy ${source.policy.id}: ${field}: ${issue.message}`,
    {
      field,
    },
  );
}
