import type { MutantArea, Net } from './mutant.js';

const TOY: Net = { simulate: 'toy', seeds: 100 };
const FOLD = 'src/actors/host/fold.spec.ts';
const PUBLISHER = 'src/actors/host/output-publisher.spec.ts';
const WATERMARKS = 'src/actors/learner/chain-watermarks.spec.ts';

export const OUTPUTS: MutantArea = {
  area: 'outputs',
  mutants: [
    {
      id: 'output-applied-twice',
      file: 'src/actors/host/fold.ts',
      find: 'if (comparePlaces([chain.seq, chain.idx], at) <= 0) return',
      replace: 'if (comparePlaces([chain.seq, chain.idx], at) < 0) return',
      why: 'An output that is published twice counts twice.',
      nets: [FOLD, TOY],
    },
    {
      id: 'output-applied-out-of-its-chain',
      file: 'src/actors/host/fold.ts',
      find: "comparePlaces(chain.prev, at) <= 0 ? 'next' : 'ahead'",
      replace: "'next'",
      why: 'An output is applied although one before it is missing, which is then passed over.',
      nets: [FOLD, TOY],
    },
    {
      id: 'output-skipped-blocks-its-chain',
      file: 'src/actors/host/fold.ts',
      find: "if (chain && this.chainPlace(chain) === 'next') this.acceptChain(chain);",
      replace: '',
      why: 'Behind an output that a verdict passes over nothing of its chain is ever applied.',
      nets: [FOLD, TOY],
    },
    {
      id: 'output-group-out-of-order',
      file: 'src/actors/host/output-publisher.ts',
      find: 'const stored = failed === -1 ? group.length : failed;',
      replace: "const stored = outcomes.filter((o) => o.status === 'stored').length;",
      why: 'Of a group that was stored in part, the wrong outputs are taken for stored.',
      nets: [PUBLISHER, TOY],
    },
    {
      id: 'output-acknowledged-at-the-stop',
      file: 'src/actors/host/output-publisher.ts',
      find: 'if (this.stopped) return new Promise(() => {});',
      replace: '',
      why: 'What was unacknowledged when the tenure ended is taken for acknowledged.',
      nets: [PUBLISHER, TOY],
    },
    {
      id: 'output-acknowledged-one-early',
      file: 'src/actors/host/output-publisher.ts',
      find: 'this.waiters.filter((w) => w.sequence < oldest)',
      replace: 'this.waiters.filter((w) => w.sequence <= oldest)',
      why: 'A record counts as acknowledged while its last output is not.',
      nets: [PUBLISHER, TOY],
    },
    {
      id: 'output-of-a-refused-decision',
      file: 'src/actors/host/fold.ts',
      find: "if (result === 'refused') return effects.filter((effect) => effect.to === 'experience');",
      replace: "if (result === 'refused') return NO_EFFECTS;",
      why: "A refused decision's fact is never taken back.",
      nets: [FOLD, { simulate: 'town', seeds: 60 }],
    },
    {
      id: 'learner-counts-an-output-twice',
      file: 'src/actors/learner/chain-watermarks.ts',
      find: 'chain.idx <= index)) return',
      replace: 'chain.idx < index)) return',
      why: 'An experience that is published twice is learned from twice.',
      nets: [WATERMARKS],
    },
    {
      id: 'learner-passes-over-a-gap',
      file: 'src/actors/learner/chain-watermarks.ts',
      find: 'const strict = mark?.strict ?? !this.#late;',
      replace: 'const strict = false;',
      why: 'A learner goes on past an experience that has not come yet, and never learns from it.',
      nets: [WATERMARKS],
    },
  ],
};
