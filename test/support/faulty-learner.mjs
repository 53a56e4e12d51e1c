/**
 * A learner plug-in as somebody else might write one: it counts what was accepted, until an experience shows it the
 * candidate `trouble`. From then on it throws, hangs, ends its thread, exports NaN, parameters of a wrong shape, far too
 * many of them or of a family that nobody reads, reports nonsense or takes a snapshot that is none, as configured.
 */
import { z } from 'zod';

const TROUBLE = 'trouble';
/** What goes wrong with the arms of an export. */
const SPOILT = {
  nan: { [TROUBLE]: [NaN, 1] },
  shape: { [TROUBLE]: 'very good' },
  huge: { ['x'.repeat(9 * 1024 * 1024)]: [1, 1] },
};

export const plugin = {
  kind: 'faulty',
  incremental: true,
  configSchema: z.strictObject({
    fault: z.enum(['throw', 'hang', 'exit', 'nan', 'shape', 'huge', 'family', 'report', 'state']),
  }),
  stateSchema: z.strictObject({ arms: z.record(z.string(), z.tuple([z.number(), z.number()])), troubled: z.boolean() }),
  create({ fault }, _deps, saved) {
    const arms = structuredClone(saved?.arms ?? {});
    let troubled = saved?.troubled ?? false;
    return {
      update(batch) {
        for (const { slate, rewardedId, reward } of batch) {
          for (const { id } of slate) {
            if (id === TROUBLE) troubled = true;
            const arm = (arms[id] ??= [1, 1]);
            arm[id === rewardedId && reward > 0 ? 0 : 1]++;
          }
        }
        if (troubled && fault === 'throw') throw new Error('the plug-in is at its wits’ end');
        if (troubled && fault === 'exit') process.exit(3);
        while (troubled && fault === 'hang');
        return { learned: troubled && fault === 'report' ? 'many' : batch.length };
      },
      snapshot: () => (troubled && fault === 'state' ? { arms: 'all of them', troubled } : { arms, troubled }),
      exportPolicy: () => ({
        family: troubled && fault === 'family' ? 'oracle' : 'beta-thompson',
        parameters: { arms: troubled ? { ...arms, ...SPOILT[fault] } : arms, prior: [1, 1] },
      }),
    };
  },
};
