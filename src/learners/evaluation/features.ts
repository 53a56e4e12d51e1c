/** Features as flat names and numbers, whatever shape a log keeps them in. */
import type { Json, JsonObject } from './logged.js';

type Scalar = string | number | boolean;

/**
 * Every scalar under its path, `User.age`; members of a list share the list's path. Names that begin with `_` are no
 * features, as in Vowpal Wabbit; nulls are left out.
 */
export function* flatten(value: JsonObject, prefix = ''): Generator<readonly [name: string, value: Scalar]> {
  for (const [name, inner] of Object.entries(value)) {
    if (name.startsWith('_')) continue;
    yield* flattenOne(inner, prefix === '' ? name : `${prefix}.${name}`);
  }
}

function* flattenOne(value: Json, path: string): Generator<readonly [string, Scalar]> {
  if (value === null) return;
  if (Array.isArray(value)) for (const member of value as readonly Json[]) yield* flattenOne(member, path);
  else if (typeof value === 'object') yield* flatten(value as JsonObject, path);
  else yield [path, value as Scalar];
}

/** As numbers: a text or boolean becomes a feature of its own, `weather=sunny`, with value 1. */
export function* numericFeatures(value: JsonObject): Generator<readonly [name: string, value: number]> {
  for (const [name, scalar] of flatten(value)) {
    if (typeof scalar === 'number') yield [name, scalar];
    else yield [`${name}=${scalar}`, 1];
  }
}
