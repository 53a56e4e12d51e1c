import type { MutantArea, Net } from './mutant.js';

const TOY: Net = { simulate: 'toy', seeds: 100 };
const STORE = 'src/actors/host/activation-store.spec.ts';
const CHECKPOINTER = 'src/actors/host/checkpointer.spec.ts';

export const SNAPSHOTS: MutantArea = {
  area: 'snapshots',
  mutants: [
    {
      id: 'snapshot-actor-dropped-while-saved',
      file: 'src/actors/host/activation-store.ts',
      find: 'if (activation.dirty || isPinned(activation.key) || ',
      replace: 'if (isPinned(activation.key) || ',
      why: 'Passivation drops an actor that folded a record while it was being saved.',
      nets: [STORE, TOY],
    },
    {
      id: 'snapshot-before-its-outputs',
      file: 'src/actors/host/activation-store.ts',
      find: 'await this.options.acknowledged(at.sequence);',
      replace: '',
      why: 'A snapshot is stored before the outputs of its records are acknowledged: a replay will not produce them again.',
      nets: [STORE, TOY],
    },
    {
      id: 'snapshot-saves-overtake-each-other',
      file: 'src/actors/host/activation-store.ts',
      find: 'before === undefined ? this.write(activation) : before.then(() => this.write(activation))',
      replace: 'this.write(activation)',
      why: 'Two saves of an actor run at once, and the older state may replace the newer one.',
      nets: [STORE, TOY],
    },
    {
      id: 'snapshot-retried-over-a-later-owner',
      file: 'src/actors/host/activation-store.ts',
      find: '        throw superseded();',
      replace: '',
      why: "A former owner writes its snapshot over a later owner's.",
      nets: [STORE, TOY],
    },
    {
      id: 'snapshot-of-vacant-actor-removed-early',
      file: 'src/actors/host/activation-store.ts',
      find: 'v.sequence <= sequence && (v.atMs <= oldMs || i < excess)',
      replace: 'true',
      why: "A vacant actor's snapshot goes before the checkpoint has passed it.",
      nets: [STORE],
    },
    {
      id: 'checkpoint-before-its-outputs',
      file: 'src/actors/host/checkpointer.ts',
      find: 'await acknowledged(position.sequence);',
      replace: '',
      why: 'The checkpoint passes outputs that are not acknowledged, and a crash loses them.',
      nets: [CHECKPOINTER, TOY],
    },
    {
      id: 'checkpoint-ahead-of-its-actors',
      file: 'src/actors/host/checkpointer.ts',
      find: 'this.sequence = position.sequence;\n',
      replace: 'this.sequence = fold.state.sequence;\n',
      why: 'The checkpoint is said to cover records that came while it was written.',
      nets: [CHECKPOINTER, TOY],
    },
    {
      id: 'checkpoint-over-a-later-owner',
      file: 'src/actors/host/checkpointer.ts',
      find: 'epochOf(stored.value) > epoch) throw superseded();',
      replace: 'epochOf(stored.value) < 0) throw superseded();',
      why: "A former owner writes its checkpoint over a later owner's.",
      nets: [CHECKPOINTER, TOY],
    },
    {
      id: 'refold-numbers-outputs-anew',
      file: 'src/actors/host/fold.ts',
      find: 'const index = last && last[0] === record.sequence ? last[1] + count : count - 1;',
      replace: 'const index = count;',
      why: 'After a replay past a snapshot the chain has another place, and its receivers wait for ever.',
      nets: ['src/actors/host/fold.spec.ts', TOY],
    },
    {
      id: 'refold-forgets-shared-operations',
      file: 'src/actors/host/fold.ts',
      find: 'const { shared, drafts } = this.operate(record.sequence, operations, atMs);\n    state.shared = shared;\n    for (const [target',
      replace: 'const { drafts } = this.operate(record.sequence, operations, atMs);\n    for (const [target',
      why: "A replay past a snapshot loses what its records did to the partition's shared state: holds and spending.",
      nets: ['src/actors/host/fold.spec.ts', TOY],
    },
    {
      id: 'refold-traces-pruned-early',
      file: 'src/actors/host/activation.ts',
      find: 'filter(([s]) => s > sequence)',
      replace: 'filter(([s]) => s > sequence + 1)',
      why: 'What a record caused elsewhere is forgotten one record before the checkpoint has passed it.',
      nets: [CHECKPOINTER, STORE, TOY],
    },
    {
      id: 'trim-past-the-facts',
      file: 'src/actors/host/partition-owner.ts',
      find: 'Math.min(keepFrom, trimFloor(partition))',
      replace: 'keepFrom',
      why: 'The journal is trimmed past what the facts sink still needs.',
      nets: ['src/actors/host/partition-owner.spec.ts'],
    },
  ],
};
