/** Schema problems → EngineErrors that name the field. */
import type { ZodType } from 'zod';
import { EngineError, invalidRequest } from '../kernel/errors.js';

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** `['candidates', 3, 'id']` → `candidates[3].id`. */
export function fieldOf(path: readonly PropertyKey[]): string {
  let field = '';
  for (const part of path) {
    if (typeof part === 'number') field += `[${part}]`;
    else field += field === '' ? String(part) : `.${String(part)}`;
  }
  return field;
}

/** The first problem as an `INVALID_REQUEST`; `prefix` is the path of the checked value inside the request. */
export function issueError(issues: readonly Issue[], prefix: readonly PropertyKey[] = []): EngineError {
  const issue = issues[0]!;
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined) {
    const field = fieldOf([...prefix, ...issue.path, issue.keys[0]!]);
    return invalidRequest('INVALID_REQUEST', `${field} is not a known field.`, field);
  }
  const field = fieldOf([...prefix, ...issue.path]);
  const name = field === '' ? 'The body' : field;
  if (issue.message.endsWith('received undefined')) {
    return invalidRequest('INVALID_REQUEST', `${name} is required.`, field === '' ? undefined : field);
  }
  const detail =
    issue.code === 'invalid_union' && issue.errors !== undefined
      ? issue.errors.map((branch) => branch[0]?.message ?? '').join(' or ')
      : issue.message;
  return invalidRequest('INVALID_REQUEST', `${name}: ${detail}.`, field === '' ? undefined : field);
}

/** Parses or throws `INVALID_REQUEST` naming the first offending field. */
export function parseWith<T>(schema: ZodType<T>, value: unknown, prefix: readonly PropertyKey[] = []): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw issueError(parsed.error.issues, prefix);
  return parsed.data;
}
