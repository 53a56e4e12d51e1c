/**
 * Large objects of small values inside parameters (an arm's evidence, an action's value), checked and copied in one loop: a
 * schema library takes tens of milliseconds for 20,000 arms, and whoever opens an artifact does so between decisions.
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

/** A copy of the value, or what is wrong with it. */
type Reader<T> = (value: unknown) => T | Problem;

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

function schemaOf<T>(read: Reader<T>) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (!(result instanceof Problem)) return result;
    context.addIssue({ code: 'custom', message: result.message, path: [...result.path] });
    return z.NEVER;
  });
}

function recordOf<T>(read: Reader<T>): Reader<Record<string, T>> {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Problem('must be an object');
    const entries: [string, T][] = [];
    for (const key of Object.keys(value)) {
      const result = read((value as Record<string, unknown>)[key]);
      if (result instanceof Problem) return new Problem(result.message, [key, ...result.path]);
      entries.push([key, result]);
    }
    // Defines keys, `__proto__` among them, where an assignment would not.
    return Object.fromEntries(entries);
  };
}

function tupleOf<T extends readonly number[]>(bounds: readonly NumberBounds[]): Reader<T> {
  const readers = bounds.map(numberWithin);
  return (value) => {
    if (!Array.isArray(value) || value.length !== readers.length)
      return new Problem(`must be a list of ${readers.length} numbers`);
    const copy = value.slice() as unknown[];
    for (let i = 0; i < readers.length; i++) {
      const result = readers[i]!(copy[i]);
      if (result instanceof Problem) return new Problem(result.message, [i]);
    }
    return copy as unknown as T;
  };
}

function numberWithin({ min, max }: NumberBounds): Reader<number> {
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return new Problem('must be a finite number');
    return value < min || value > max ? new Problem(`must be from ${min} to ${max}`) : value;
  };
}
