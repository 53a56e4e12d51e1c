import type { MutantArea, Net } from './mutant.js';

const TOY: Net = { simulate: 'toy', seeds: 100 };
const CLAIM = 'src/actors/keeper/lease-claim.spec.ts';

export const KEEPER: MutantArea = {
  area: 'keeper',
  mutants: [
    {
      id: 'keeper-lease-counted-from-the-answer',
      file: 'src/actors/keeper/lease-claim.ts',
      find: 'const sentAtMs = clock.monotonicMs();\n    const written = await leases.put(key, Buffer.from(JSON.stringify(owner)), expected);',
      replace:
        'const written = await leases.put(key, Buffer.from(JSON.stringify(owner)), expected);\n    const sentAtMs = clock.monotonicMs();',
      why: 'A lease is held from its answer on, and so outlives the one the server knows.',
      nets: [CLAIM, TOY],
    },
    {
      id: 'keeper-lease-without-margin',
      file: 'src/actors/keeper/lease-claim.ts',
      find: 'ttlMs * (1 - MARGIN)',
      replace: 'ttlMs * (1 + MARGIN)',
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
      id: 'keeper-renews-whoever-hangs',
      file: 'src/actors/keeper/keeper-loop.ts',
      find: 'if (!protections.renewOnProgress) return true;',
      replace: 'if (protections.renewOnProgress) return true;',
      why: 'The leases of a host that hangs are renewed for ever.',
      nets: ['src/actors/host/host.spec.ts', TOY],
    },
    {
      id: 'keeper-cell-shows-a-lost-lease',
      file: 'src/actors/keeper/keeper-loop.ts',
      find: '    this.#options.cells.lose(cell);\n    return kept;',
      replace: '    return kept;',
      why: 'A lease that was given back is still held by the cell.',
      nets: ['src/actors/keeper/keeper-loop.spec.ts'],
    },
  ],
};
