import { z } from 'zod';
import { creditFields } from '../credit.js';

const finite = z.number().refine(Number.isFinite, 'must be finite');

/** What every learner with a table of action values is configured with. */
export const TABULAR_FIELDS = {
  /** What a reward one step later is worth today. */
  discount: z.number().min(0).max(1).default(0.9),
  /** α of a pair of state and action that was visited n times before is `rate`/(1 + n)^`decay`; 0 keeps it constant. */
  learningRate: z
    .strictObject({ rate: z.number().gt(0).max(1).default(0.1), decay: z.number().min(0).max(1).default(0) })
    .default({ rate: 0.1, decay: 0 }),
  /** Value of a pair that was never tried; a high one makes the learner curious. */
  initial: finite.default(0),
  withoutNext: creditFields.withoutNext,
  censored: creditFields.censored,
  corrections: creditFields.corrections,
  exploration: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('epsilon-greedy'),
        /** ε of the exported policy: `start`·`decay`^(experiences learned), but at least `min`. */
        start: z.number().min(0).max(1).default(0.1),
        min: z.number().min(0).max(1).default(0.01),
        decay: z.number().gt(0).max(1).default(1),
      }),
      z.strictObject({ kind: z.literal('softmax'), temperature: z.number().positive().max(1e9) }),
    ])
    .default({ kind: 'epsilon-greedy', start: 0.1, min: 0.01, decay: 1 }),
  /** States remembered; experience in further ones is skipped. */
  statesMax: z.number().int().min(1).max(100_000).default(10_000),
  /** Actions remembered in one state. */
  actionsMax: z.number().int().min(1).max(10_000).default(500),
};

const tabularConfigSchema = z.strictObject(TABULAR_FIELDS).readonly();
export type TabularConfig = z.infer<typeof tabularConfigSchema>;
