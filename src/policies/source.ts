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
