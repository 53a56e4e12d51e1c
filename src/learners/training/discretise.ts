/** Names for what is observed, so that learners with tables can be tried where observations are numbers. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import type { Environment } from '../environments/environment.js';

export const BINS_MAX = 1_000;

/** One dimension of an observation: `count` equal bins from `low` to `high`; what lies beyond falls into the outer ones. */
export const binsSchema = z.array(
  z
    .strictObject({
      low: z.number().refine(Number.isFinite, 'must be finite'),
      high: z.number().refine(Number.isFinite, 'must be finite'),
      count: z.number().int().min(1).max(BINS_MAX),
    })
    .refine(({ low, high }) => low < high, 'low must be below high'),
);
export type Bins = z.infer<typeof binsSchema>;

/** Gives the state that an observation belongs to; undefined where an environment has none. */
export type StateOf = (observation: Float64Array) => string | undefined;

/**
 * The state of a tabular environment is its index; of others, the bins that an observation falls in; without bins there is
 * none. Throws InvalidRequest `BINS_INVALID` where there is not one entry of `bins` for each number observed.
 */
export function stateOf(environment: Environment, bins?: Bins): StateOf {
  if (environment.states !== undefined) return (observation) => String(observation[0]);
  if (bins === undefined) return () => undefined;
  if (bins.length !== environment.observationSize) {
    const message = `${environment.id} observes ${environment.observationSize} numbers, but there are bins for ${bins.length}.`;
    throw new EngineError('InvalidRequest', 'BINS_INVALID', message, { field: 'bins' });
  }
  return (observation) => {
    let key = '';
    for (let i = 0; i < bins.length; i++) {
      const { low, high, count } = bins[i]!;
      const bin = Math.floor(((observation[i]! - low) / (high - low)) * count);
      key += `${i === 0 ? '' : ','}${Math.min(Math.max(bin, 0), count - 1)}`;
    }
    return key;
  };
}
