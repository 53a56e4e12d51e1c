import type { MutantArea, Net } from './mutant.js';

const TOY: Net = { simulate: 'toy', seeds: 100 };
const CLAIM = 'src/actors/keeper/lease-claim.spec.ts';

export const KEEPER: MutantArea = {
  area: 'keeper',
  mutants: [
    {
      id: 'keeper-lease-counted-from-the-answer',
      file: 'src/actors/keeper/lease-claim.ts',
      find: 'this.heldUntilMs = sentAtMs + ',
      replace: 'this.heldUntilMs = Math.max(sentAtMs, this.#options.clock.monotonicMs()) + ',
      why: 'A lease is held from its answer on, and so outlives the one the server knows.',
      nets: [CLAIM, TOY],
    },
    {
      id: 'keeper-lease-without-margin',
      file: 'src/actors/keeper/lease-claim.ts',
      find: 'this.#options.ttlMs * (1 - MARGIN)',
      replace: 'this.#options.ttlMs * (1 + MARGIN)',
      why: 'A host serves on after its lease has ended on the server.',
      nets: [CLAIM, TOY],
    },
    {
      id: 'keeper-acquires-anybodys-lease',
      file: 'src/actors/keeper/lease-claim.ts',
      find: 'if (stored && !this.#isOurs(stored.value)) return false;',
      replace: '',
      why: "A host takes a lease that is another's.",
      nets: [CLAIM, TOY],
    },
    {
      id: 'keeper-restarted-host-is-its-former-self',
      file: 'src/actors/keeper/lease-claim.ts',
      find: 'value?.host === this.#options.owner.host && value.incarnation === this.#options.owner.incarnation',
      replace: 'value?.host === this.#options.owner.host',
      why: "A restarted host takes its former self's lease for its own.",
      nets: [CLAIM, TOY],
    },
    {
      id: 'keeper-renews-what-has-run-out',
      file: 'src/actors/keeper/lease-claim.ts',
      find: 'if (this.held) {',
      replace: 'if (this.epoch > 0) {',
      why: 'A lease that has run out is renewed, though another may have held it in between.',
      nets: [CLAIM, TOY],
    },
    {
      id: 'keeper-renews-for-the-hung',
      file: 'src/actors/keeper/keeper-loop.ts',
      find: 'return this.#options.clock.monotonicMs() - atMs <= this.#options.hungAfterMs;',
      replace: 'return this.#options.clock.monotonicMs() >= atMs;',
      why: 'A host that hangs keeps its partitions.',
      nets: [TOY],
    },
    {
      id: 'keeper-cell-of-the-lost-stays',
      file: 'src/actors/keeper/keeper-loop.ts',
      find: '    cells.lose(cell);\n    if (this.#options.protections.neverReacquire)',
      replace: '    if (this.#options.protections.neverReacquire)',
      why: 'A lease that is lost is still shown as held.',
      nets: [TOY],
    },
  ],
};
