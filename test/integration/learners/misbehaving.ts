/** A learner that does what a reward tells it to: learn, throw, hang, or turn its parameters into NaN. */
import { z } from 'zod';
import type { LearnerPlugin } from '../../../src/learners/learner.js';

export const plugin: LearnerPlugin<unknown, { sum: number }> = {
  kind: 'misbehaving',
  incremental: true,
  configSchema: z.unknown(),
  stateSchema: z.strictObject({ sum: z.number() }),
  create: (_config, _deps, saved) => {
    let sum = saved?.sum ?? 0;
    return {
      update: (batch) => {
        for (const { context, reward } of batch) {
          if (context['do'] === 'throw') throw new Error('told to throw');
          if (context['do'] === 'hang') for (;;) sum += 0;
          if (context['do'] === 'nan') sum = Number.NaN;
          sum += reward;
        }
        return { learned: batch.length };
      },
      snapshot: () => ({ sum }),
      exportPolicy: () => ({
        family: 'beta-thompson',
        parameters: { arms: { a: [1 + sum, 1] }, prior: [1, 1] },
      }),
    };
  },
};
