/**
 * Large objects of small values inside parameters (an arm's evidence, an action's value), checked and copied in one loop: a
 * schema library takes tens of milliseconds for 20,000 arms.
 */
import { z } from 'zod';

/** What a number may be. */
export interface NumberBounds {
  readonly min: number;
  readonly max: number;
}

type Path = readonly (string | number)[];

/** Where in a value it is wrong, and how. */
class Problem {
  constructor(
    readonly message: string,
    readonly path: Path = [],
  ) {}
}

/** What reads one kind of value. */
interface Reader<T> {
  /** A copy of the value, or what is wrong with it. */
  read(value: unknown): T | Problem;
  /** The same as JSON Schema, for the documents that are made of the schemas. */
  readonly json: JsonSchema;
}
type JsonSchema = { readonly [name: string]: unknown };

/** Key → number. */
export const numbersByKey = (bounds: NumberBounds) => schemaOf(recordOf(numberWithin(bounds)));

/** Key → key → number. */
export const numbersByKeys = (bounds: NumberBounds) => schemaOf(recordOf(recordOf(numberWithin(bounds))));

/** Key → list of one number for each of the bounds. */
export const tuplesByKey = <T extends readonly number[]>(bounds: readonly NumberBounds[]) =>
  schemaOf(recordOf(tupleOf<T>(bounds)));

/** Key → key → list of one number for each of the bounds. */
export const tuplesByKeys = <T extends readonly number[]>(bounds: readonly NumberBounds[]) =>
  schemaOf(recordOf(recordOf(tupleOf<T>(bounds))));

function schemaOf<T>({ read, json }: Reader<T>) {
  return z
    .unknown()
    .meta(json)
    .transform((value, context): T => {
      const result = read(value);
      if (!(result instanceof Problem)) return result;
      context.addIssue({ code: 'custom', message: result.message, path: [...result.path] });
      return z.NEVER;
    });
}

function recordOf<T>(inner: Reader<T>): Reader<Record<string, T>> {
  const json = { type: 'object', propertyNames: { type: 'string' }, additionalProperties: inner.json };
  const read = (value: unknown): Record<string, T> | Problem => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Problem('must be an object');
    const entries: [string, T][] = [];
    for (const key of Object.keys(value)) {
      const result = inner.read((value as Record<string, unknown>)[key]);
      if (result instanceof Problem) return new Problem(result.message, [key, ...result.path]);
      entries.push([key, result]);
    }
    // Defines keys, `__proto__` among them, where an assignment would not.
    return Object.fromEntries(entries);
  };
  return { read, json };
}

function tupleOf<T extends readonly number[]>(bounds: readonly NumberBounds[]): Reader<T> {
  const readers = bounds.map(numberWithin);
  const { length } = readers;
  const items = readers.map(({ json }) => json);
  const json = { type: 'array', items, additionalItems: false, minItems: length, maxItems: length };
  const read = (value: unknown): T | Problem => {
    if (!Array.isArray(value) || value.length !== readers.length)
      return new Problem(`must be a list of ${readers.length} numbers`);
    const copy = value.slice() as unknown[];
    for (let i = 0; i < readers.length; i++) {
      const result = readers[i]!.read(copy[i]);
      if (result instanceof Problem) return new Problem(result.message, [i]);
    }
    return copy as unknown as T;
  };
  return { read, json };
}

function numberWithin({ min, max }: NumberBounds): Reader<number> {
  const read = (value: unknown): number | Problem => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return new Problem('must be a finite number');
    return value < min || value > max ? new Problem(`must be from ${min} to ${max}`) : value;
  };
  return { read, json: { type: 'number', minimum: min, maximum: max } };
}
