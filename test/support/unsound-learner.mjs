/** A plug-in that is sound but for one flaw, which its configuration names: what the conformance suite must find. */
const FLAWS = [
  'none',
  'throws',
  'hangs',
  'exits',
  'own-chance',
  'forgets',
  'shares-state',
  'deaf',
  'nan',
  'huge',
  'foreign',
  'blind',
];

export const plugin = ({ z }) => ({
  kind: 'unsound',
  incremental: true,
  configSchema: z.strictObject({ flaw: z.enum(FLAWS).default('none') }),
  stateSchema: z.strictObject({ arms: z.record(z.string(), z.tuple([z.number(), z.number()])) }),
  create({ flaw }, { random }, saved) {
    const arms = structuredClone(flaw === 'forgets' ? {} : (saved?.arms ?? {}));
    let rounds = 0;
    return {
      update(batch, signal) {
        if (flaw === 'throws') throw new Error('I do not feel like it');
        if (flaw === 'exits') process.exit(0);
        while (flaw === 'hangs');
        for (const { slate, rewardedId } of batch) {
          rounds++;
          for (const { id, forced } of slate) {
            if (forced || id === '__proto__') continue;
            const arm = (arms[id] ??= [1, 1]);
            arm[id === rewardedId ? 0 : 1] += flaw === 'own-chance' ? Math.random() : 1;
            random.next();
            if (flaw === 'nan' && rounds > 40) arm[0] = NaN;
          }
        }
        if (flaw === 'deaf' && batch.length > 1000)
          return new Promise((resolve) => setTimeout(resolve, 3_000, { learned: 0 }));
        signal.throwIfAborted();
        return { learned: batch.length };
      },
      snapshot: () => ({ arms: flaw === 'shares-state' ? arms : structuredClone(arms) }),
      exportPolicy: () => ({
        family: flaw === 'foreign' ? 'my-own' : 'beta-thompson',
        parameters: {
          arms: flaw === 'blind' ? {} : flaw === 'huge' ? { ['x'.repeat(9_000_000)]: [1, 1] } : arms,
          prior: [1, 1],
        },
      }),
    };
  },
});
