/**
 * Generates what nats-server has to be told: the sharding by subject mappings, and who may do what. Pure text; the
 * embedded server's file and the templates in config/nats/ come from here.
 *
 * The engine and the apps have an account each. The engine's holds the mappings, the journals and the buckets, and
 * exports the public subjects; the apps' imports them. One shared account would not do: nats-server 2.9 checks a
 * client's permissions on the mapped subject, so an app allowed to publish `attune.user.*.>` there would also need
 * `attune.p.>`, and an app that listens on `_INBOX.>` would hear the engine's own replies. (Measured on 2.9.10; an
 * import runs through the exporting account's mappings at no visible cost.)
 */
import { encodeToken } from '../../kernel/ids.js';
import { EXTERNAL_VERBS } from '../../messages/external-learner.js';
import { subjectMappings } from '../../messages/subjects.js';

/** What apps may ask of actors and tell them. Commands to campaigns spend money: over NATS they are the engine's alone. */
const PUBLIC_SERVICES = [
  'attune.user.*.>',
  'attune.zone.*.>',
  'attune.campaign.*.view',
  'attune.learner.*.view',
  'attune.event.*.*.>',
];
/** What learners in other processes may ask; only their own account imports it. */
const LEARNER_SERVICES = EXTERNAL_VERBS.map((verb) => `attune.learner.*.${verb}`);
/** What apps may listen to. */
const PUBLIC_STREAMS = ['attune.state.>', 'attune.experience.>'];
/** Never theirs, also where an operator puts apps and engine into one account by mistake. */
const ENGINE_ONLY = ['attune.p.>', '$JS.>', '$KV.>', '$O.>', '$SYS.>'];

export const ENGINE_ACCOUNT = 'ATTUNE';
export const APPS_ACCOUNT = 'ATTUNE_APPS';
export const LEARNERS_ACCOUNT = 'ATTUNE_LEARNERS';

const quoted = (text: string): string => JSON.stringify(text);
const list = (subjects: readonly string[], indent: string): string =>
  `[\n${subjects.map((s) => `${indent}  ${quoted(s)}\n`).join('')}${indent}]`;

/** The engine account's `mappings` block: the server does the sharding. */
export function mappingsBlock(partitions: number): string {
  const lines = Object.entries(subjectMappings(partitions)).map(([from, to]) => `  ${quoted(from)}: ${quoted(to)}\n`);
  return `mappings: {\n${lines.join('')}}\n`;
}

/** The engine account's `exports` block. */
export function exportsBlock(): string {
  const entries = [
    ...PUBLIC_SERVICES.map((s) => `{ service: ${quoted(s)} }`),
    ...PUBLIC_STREAMS.map((s) => `{ stream: ${quoted(s)} }`),
    ...LEARNER_SERVICES.map((s) => `{ service: ${quoted(s)}, accounts: [${LEARNERS_ACCOUNT}] }`),
  ];
  return `exports: [\n${entries.map((e) => `  ${e}\n`).join('')}]\n`;
}

const from = (subject: string): string => `{ account: ${ENGINE_ACCOUNT}, subject: ${quoted(subject)} }`;

/** The apps account's `imports` block. */
export function importsBlock(): string {
  const entries = [
    ...PUBLIC_SERVICES.map((s) => `{ service: ${from(s)} }`),
    ...PUBLIC_STREAMS.map((s) => `{ stream: ${from(s)} }`),
  ];
  return `imports: [\n${entries.map((e) => `  ${e}\n`).join('')}]\n`;
}

/** The learners account's `imports` block. */
export function learnerImportsBlock(): string {
  const entries = ['attune.learner.*.view', ...LEARNER_SERVICES].map((s) => `{ service: ${from(s)} }`);
  return `imports: [\n${entries.map((e) => `  ${e}\n`).join('')}]\n`;
}

/**
 * The `permissions` of the user of one learner in another process: its own requests, and an inbox of its own, so that it
 * neither acts for another learner nor hears another's replies. What it may publish is the engine's to check: the policy
 * that is configured with the learner's id, and no other. `*` stands for all learners.
 */
export function learnerPermissions(learnerId: string): string {
  const token = learnerId === '*' ? '*' : encodeToken(learnerId);
  const publish = ['view', ...EXTERNAL_VERBS].map((verb) => `attune.learner.${token}.${verb}`);
  const inbox = learnerId === '*' ? '_INBOX.>' : `_INBOX.${token}.>`;
  return `{ publish: { allow: ${list(publish, '')} }, subscribe: { allow: [${quoted(inbox)}] } }`;
}

/** A user of the learners account; its password comes from the environment. */
export function learnerUser(learnerId: string): string {
  const variable = `ATTUNE_LEARNER_${learnerId.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}_PASSWORD`;
  return `{ user: ${quoted(`learner.${learnerId}`)}, password: $${variable}, permissions: ${learnerPermissions(learnerId)} }`;
}

/** Two variables, `ATTUNE_APP_PERMISSIONS` and `ATTUNE_ENGINE_PERMISSIONS`, for users' `permissions`. */
export function permissionsBlock(): string {
  const publish = [...PUBLIC_SERVICES.slice(0, -1), 'attune.event.>'];
  return [
    'ATTUNE_APP_PERMISSIONS = {',
    `  publish: {\n    allow: ${list(publish, '    ')}\n    deny: ${list(ENGINE_ONLY, '    ')}\n  }`,
    `  subscribe: {\n    allow: ${list(['_INBOX.>', ...PUBLIC_STREAMS], '    ')}\n    deny: ${list(ENGINE_ONLY, '    ')}\n  }`,
    '}',
    'ATTUNE_ENGINE_PERMISSIONS = { publish: ">", subscribe: ">" }',
    '',
  ].join('\n');
}

export const EXAMPLE_LEARNER = 'my-learner';

/** The files of config/nats/, name → content. `learners` are the ids of those that run in processes of their own. */
export function natsTemplates(
  partitions: number,
  learners: readonly string[] = [EXAMPLE_LEARNER],
): Record<string, string> {
  const args = [`--partitions ${partitions}`, ...learners.map((id) => `--learner ${id}`)].join(' ');
  const head = (what: string): string =>
    `# Generated by: npm run nats:config -- ${args}   (do not edit)\n# ${what}\n\n`;
  return {
    'mappings.conf':
      head(`In account ${ENGINE_ACCOUNT}: carries public subjects to the partition that owns the actor.`) +
      mappingsBlock(partitions),
    'exports.conf': head(`In account ${ENGINE_ACCOUNT}: what other accounts may use.`) + exportsBlock(),
    'imports.conf': head(`In account ${APPS_ACCOUNT}: what apps use of the engine.`) + importsBlock(),
    'permissions.conf':
      head('At the top level, before the accounts: what users of apps and of the engine may do.') + permissionsBlock(),
    'learners.conf':
      head(`In account ${LEARNERS_ACCOUNT}: learners in processes of their own, each with what it may do.`) +
      `${learnerImportsBlock()}users: [\n${learners.map((id) => `${learnerUser(id)}\n`).join('')}]\n`,
    'nats-server.conf':
      head('A whole server, to copy from. Give every user a password or an nkey of your own.') + exampleServer(),
  };
}

function exampleServer(): string {
  return `listen: "127.0.0.1:4222"
max_payload: 1MB
jetstream { store_dir: "/var/lib/nats/attune" }

include ./permissions.conf

accounts {
  ${ENGINE_ACCOUNT} {
    jetstream: enabled
    include ./mappings.conf
    include ./exports.conf
    users: [ { user: engine, password: $ATTUNE_ENGINE_PASSWORD, permissions: $ATTUNE_ENGINE_PERMISSIONS } ]
  }
  ${APPS_ACCOUNT} {
    include ./imports.conf
    users: [ { user: app, password: $ATTUNE_APP_PASSWORD, permissions: $ATTUNE_APP_PERMISSIONS } ]
  }
  ${LEARNERS_ACCOUNT} {
    include ./learners.conf
  }
  SYS { users: [ { user: sys, password: $ATTUNE_SYS_PASSWORD } ] }
}
system_account: SYS
`;
}

export interface EmbeddedNatsSettings {
  readonly serverName: string;
  readonly port: number;
  readonly partitions: number;
  readonly storeDir: string;
  readonly pidFile: string;
  readonly passwords: Readonly<Record<'engine' | 'app' | 'learner' | 'sys', string>>;
  /** Upper bound of everything JetStream stores, in bytes: it refuses writes before the disk is full. */
  readonly storeBytesMax?: number | undefined;
  /** JetStream's `sync_interval` (`always`, `10s`); nats-server 2.10 and later. */
  readonly syncInterval?: string | undefined;
}

/** The embedded server's whole configuration. Loopback only, so whoever connects without a name is an app. */
export function embeddedConfiguration(s: EmbeddedNatsSettings): string {
  const sync = s.syncInterval === undefined ? '' : `, sync_interval: ${quoted(s.syncInterval)}`;
  const room = s.storeBytesMax === undefined ? '' : `, max_file_store: ${s.storeBytesMax}`;
  const user = (name: string, password: string, more = ''): string =>
    `  users: [ { user: ${name}, password: ${quoted(password)}${more} } ]\n`;
  return `# Written at every start by Attune's launcher; changes are lost.
server_name: ${quoted(s.serverName)}
listen: ${quoted(`127.0.0.1:${s.port}`)}
pid_file: ${quoted(s.pidFile)}
max_payload: 1MB
jetstream { store_dir: ${quoted(s.storeDir)}${room}${sync} }
no_auth_user: app
system_account: SYS

${permissionsBlock()}
accounts {
${ENGINE_ACCOUNT} {
  jetstream: enabled
${mappingsBlock(s.partitions)}${exportsBlock()}${user('engine', s.passwords.engine, ', permissions: $ATTUNE_ENGINE_PERMISSIONS')}}
${APPS_ACCOUNT} {
${importsBlock()}${user('app', s.passwords.app, ', permissions: $ATTUNE_APP_PERMISSIONS')}}
${LEARNERS_ACCOUNT} {
${learnerImportsBlock()}${user('learner', s.passwords.learner, `, permissions: ${learnerPermissions('*')}`)}}
SYS {
${user('sys', s.passwords.sys)}}
}
`;
}
