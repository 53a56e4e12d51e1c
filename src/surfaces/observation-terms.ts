/** How a surface turns what is known at a decision into numbers, for learners that approximate. */
import { z } from 'zod';
import { hourIndexOf, hourOfWeek, HOURS_OF_WEEK } from './sources/hour-of-week.js';
import { stateInputName, type StateInput } from './state-terms.js';

/** Numbers that one observation may have. */
export const OBSERVATION_MAX = 256;

const number = z.number().min(-1e9).max(1e9);
const key = z.string().min(1).max(64);
/** (x − offset)/scale, kept within ±clip; a missing value gives `missing`. */
const scaling = {
  offset: number.default(0),
  scale: z.number().min(1e-9).max(1e9).default(1),
  clip: z.number().positive().max(1e6).default(10),
  missing: number.default(0),
};

/** One part of an observation. */
export const observationTermSchema = z.discriminatedUnion('from', [
  z.strictObject({ name: stateInputName, from: z.literal('feature'), key, ...scaling }),
  /** True counts as 1 and false as 0; text as missing. */
  z.strictObject({ name: stateInputName, from: z.literal('context'), key, ...scaling }),
  /** One number for each value: 1 for the one that is there. Any other value gives zeros. */
  z.strictObject({
    name: stateInputName,
    from: z.literal('context-value'),
    key,
    values: z
      .array(z.union([z.string().max(64), z.number(), z.boolean()]))
      .min(1)
      .max(64)
      .refine((values) => new Set(values).size === values.length, 'must not repeat'),
  }),
  /** Sine and cosine of the local hour's place in the day or the week, so that the last hour is next to the first. */
  z.strictObject({ name: stateInputName, from: z.enum(['hour-of-day', 'hour-of-week']) }),
]);
export type ObservationTerm = z.infer<typeof observationTermSchema>;

export interface Observer {
  /** What each number is, in order: `name`, `name=value`, `name.sin`, `name.cos`. */
  readonly names: readonly string[];
  /** Pure; as many finite numbers as there are names. */
  readonly observe: (input: StateInput) => number[];
}

export function compileObservation(terms: readonly ObservationTerm[]): Observer {
  const writers = terms.map(writerOf);
  const names = terms.flatMap(namesOf);
  return Object.freeze({
    names,
    observe: (input: StateInput): number[] => {
      const numbers: number[] = [];
      for (const write of writers) write(input, numbers);
      return numbers;
    },
  });
}

function namesOf(term: ObservationTerm): string[] {
  switch (term.from) {
    case 'feature':
    case 'context':
      return [term.name];
    case 'context-value':
      return term.values.map((value) => `${term.name}=${value}`);
    default:
      return [`${term.name}.sin`, `${term.name}.cos`];
  }
}

function writerOf(term: ObservationTerm): (input: StateInput, numbers: number[]) => void {
  switch (term.from) {
    case 'feature':
    case 'context': {
      const { offset, scale, clip, missing } = term;
      const part = term.from === 'feature' ? 'features' : 'context';
      return (input, numbers) => {
        const known: Readonly<Record<string, unknown>> = input[part];
        const value = Object.hasOwn(known, term.key) ? numberOf(known[term.key]) : undefined;
        numbers.push(value === undefined ? missing : Math.min(Math.max((value - offset) / scale, -clip), clip));
      };
    }
    case 'context-value':
      return ({ context }, numbers) => {
        const value = Object.hasOwn(context, term.key) ? context[term.key] : undefined;
        for (const one of term.values) numbers.push(one === value ? 1 : 0);
      };
    default: {
      const hours = term.from === 'hour-of-day' ? 24 : HOURS_OF_WEEK;
      return ({ nowMs, timeZone }, numbers) => {
        const angle = ((hourOfWeek(hourIndexOf(nowMs), timeZone) % hours) / hours) * 2 * Math.PI;
        numbers.push(Math.sin(angle), Math.cos(angle));
      };
    }
  }
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
