/** The layers of DESIGN.md section 6: kernel ← messages ← policies ← learners ← actors ← gateway. */
const SPEC = '\\.spec\\.ts$';
const layer = (name, allowed, comment) => ({
  name: `layer-${name}`,
  severity: 'error',
  comment,
  from: { path: `^src/${name}/`, pathNot: SPEC },
  to: { path: '^src/', pathNot: `^src/(${[name, ...allowed].join('|')})/` },
});

/** What only shells touch: the framework, the network and the database. */
const SHELL = '(^|/)node_modules/(@nestjs|@nats-io|@mikro-orm|fastify|pg|@grpc|kafkajs)/';

module.exports = {
  forbidden: [
    layer('kernel', [], 'The kernel knows nothing of what is built on it.'),
    layer('messages', ['kernel'], 'Messages are the contract: they depend on nothing that may change under them.'),
    layer('policies', ['kernel', 'messages'], 'Policies map a context to a distribution, and know nobody who asks.'),
    layer('learners', ['kernel', 'messages', 'policies'], 'Learners make policies from experience, wherever they run.'),
    layer('surfaces', ['kernel', 'messages', 'policies'], 'Surfaces sit beside the actors, which use them.'),
    layer('actors', ['kernel', 'messages', 'policies', 'learners', 'surfaces'], 'Actors do not know the gateway.'),
    layer(
      'gateway',
      ['kernel', 'messages', 'policies', 'learners', 'surfaces', 'actors'],
      'The gateway reaches the store and the embedded servers through its own ports only.',
    ),
    {
      name: 'store-implements-ports',
      severity: 'error',
      comment: 'The store reads journals through the host’s ports; it knows neither actors nor the gateway.',
      from: { path: '^src/store/', pathNot: SPEC },
      to: { path: '^src/', pathNot: '^src/(store|kernel|messages|policies)/|^src/actors/host/ports\\.ts$' },
    },
    {
      name: 'embedded-stands-alone',
      severity: 'error',
      comment: 'The launchers are of use without the engine.',
      from: { path: '^src/embedded/', pathNot: SPEC },
      to: { path: '^src/', pathNot: '^src/(embedded|kernel|messages)/' },
    },
    {
      name: 'pure-core',
      severity: 'error',
      comment: 'Policies, learners, surfaces, machines, folds and the contract never import Nest, NATS or the ORM.',
      from: {
        path: '^src/(kernel|messages|policies|learners|surfaces|actors/(host|user|zone|campaign|simulated))/|\\.machine\\.ts$',
        pathNot: SPEC,
      },
      to: { path: SHELL },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle makes two files one.',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-test-code-in-src',
      severity: 'error',
      comment: 'The service must build and run without its tests.',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: '^(test|bench|scripts|chaos)/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that cannot be resolved fails at run time.',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      severity: 'error',
      comment: 'What the service imports must be one of its own dependencies, or npm may move it away.',
      from: { path: '^src/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
