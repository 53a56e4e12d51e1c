/** How a surface turns what is known at a decision into one of few states, for learners that keep a table. */
import { z } from 'zod';
import type { TimeZone } from '../messages/settings.js';
import { hourIndexOf, hourOfWeek } from './sources/hour-of-week.js';

const edges = z
  .array(z.number())
  .min(1)
  .max(64)
  .refine((list) => list.every((edge, i) => i === 0 || edge > list[i - 1]!), 'must rise');

/** How a part of a state or an observation is called. */
export const stateInputName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case words joined by -');
const name = stateInputName;
const key = z.string().min(1).max(64);

/** One part of the state. `edges` [a, b] make the bins 0: x < a, 1: a ≤ x < b, 2: x ≥ b; a missing value is `-`. */
export const stateTermSchema = z.discriminatedUnion('from', [
  z.strictObject({ name, from: z.literal('feature'), key, edges }),
  z.strictObject({ name, from: z.literal('context'), key, edges }),
  /** Any value that is not listed is `*`. */
  z.strictObject({
    name,
    from: z.literal('context-value'),
    key,
    values: z
      .array(z.union([z.string().max(64), z.number(), z.boolean()]))
      .min(1)
      .max(64),
  }),
  /** 0 is Monday 00:00–01:00 in the configured time zone. */
  z.strictObject({ name, from: z.literal('hour-of-week'), edges }),
]);
export type StateTerm = z.infer<typeof stateTermSchema>;

export interface StateInput {
  readonly features: Readonly<Record<string, number>>;
  readonly context: Readonly<Record<string, string | number | boolean>>;
  readonly nowMs: number;
  /** IANA zone. */
  readonly timeZone: TimeZone;
}

/** A pure function to strings like `hour=2|new=0`. */
export function compileState(terms: readonly StateTerm[]): (input: StateInput) => string {
  const parts = terms.map((term) => {
    const value = compileTerm(term);
    return (input: StateInput): string => `${term.name}=${value(input)}`;
  });
  return (input) => parts.map((part) => part(input)).join('|');
}

function compileTerm(term: StateTerm): (input: StateInput) => string {
  switch (term.from) {
    case 'hour-of-week':
      return ({ nowMs, timeZone }) => binOf(hourOfWeek(hourIndexOf(nowMs), timeZone), term.edges);
    case 'feature':
      return ({ features }) => binOf(features[term.key], term.edges);
    case 'context':
      return ({ context }) => binOf(context[term.key], term.edges);
    case 'context-value': {
      const known = new Set(term.values);
      return ({ context }) => {
        const value = context[term.key];
        if (value === undefined) return '-';
        return known.has(value) ? String(value) : '*';
      };
    }
  }
}

function binOf(value: unknown, bounds: readonly number[]): string {
  if (typeof value !== 'number') return '-';
  let bin = 0;
  while (bin < bounds.length && value >= bounds[bin]!) bin++;
  return String(bin);
}
