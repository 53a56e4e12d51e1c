/**
 * Generates what nats-server has to be told: the sharding by subject mappings, and who may do what. Pure text; the
 * embedded server's file and the templates in config/nats/ come from here.
 *
 * The engine has an account, and each app has one. The engine's holds the mappings, the journals and the buckets, and
 * exports what apps may use; an app's imports it, with the app's name put into the subject: an app spells
 * `attune.user.42.decide`, and the engine's account hears `attune.app.<app>.user.42.decide`. So every request and event
 * names its app, no app can speak as another, and no app hears another's replies. One shared account would not do:
 * nats-server 2.9 checks a client's permissions on the mapped subject, so an app allowed to publish `attune.user.*.>`
 * there would also need `attune.p.>`, and an app that listens on `_INBOX.>` would hear the engine's own replies.
 * (Measured on 2.9.10; an import runs through the exporting account's mappings at no visible cost.)
 */
import { DEFAULT_APP, encodeToken } from '../../kernel/ids.js';
import { DEFAULT_NATS_SCOPES, type NatsScope } from '../../kernel/scopes.js';
import { EXTERNAL_VERBS } from '../../messages/external-learner.js';
import { subjectMappings, subjects } from '../../messages/subjects.js';
import { subjectsFor } from '../../messages/verbs.js';

/** An app, and what it may ask of actors and tell them: the subjects that its scopes open, and no others. */
export interface AppGrant {
  readonly name: string;
  /** DEFAULT_NATS_SCOPES if left out. */
  readonly scopes?: readonly NatsScope[] | undefined;
}

/** The largest message of an app: some more than the largest event, and room for a request with all its candidates. */
const APP_PAYLOAD_MAX = '384KB';

/** What is no app's own, and asks for the scope `read`: the same subject in every account. */
const SHARED_SERVICES = ['attune.learner.*.view'];
/** What learners in other processes may ask; only their own account imports it. */
const LEARNER_SERVICES = EXTERNAL_VERBS.map((verb) => `attune.learner.*.${verb}`);
/** What apps may listen to. Experience is everybody's decisions and rewards: learners ask for that of their surface. */
const PUBLIC_STREAMS = ['attune.state.>'];
/** Never theirs, also where an operator puts apps and engine into one account by mistake. */
const ENGINE_ONLY = [
  'attune.p.>',
  'attune.app.>',
  'attune.experience.>',
  'attune.books.>',
  '$JS.>',
  '$KV.>',
  '$O.>',
  '$SYS.>',
];

export const ENGINE_ACCOUNT = 'ATTUNE';
export const LEARNERS_ACCOUNT = 'ATTUNE_LEARNERS';
/** Names have no underscore, so no two apps share an account. */
const accountOf = (app: string): string => `ATTUNE_APP_${environmentName(app)}`;
const environmentName = (name: string): string => name.replace(/[^A-Za-z0-9]/g, '_').toUpperCase();

/** The variable of the server's environment that holds a user's password. */
const passwordOf = (user: string): string => `$ATTUNE_${environmentName(user)}_PASSWORD`;

const quoted = (text: string): string => JSON.stringify(text);
const list = (subjects: readonly string[], indent: string): string =>
  `[\n${subjects.map((s) => `${indent}  ${quoted(s)}\n`).join('')}${indent}]`;

/** The engine account's `mappings` block: the server does the sharding. */
export function mappingsBlock(partitions: number): string {
  const lines = Object.entries(subjectMappings(partitions)).map(([from, to]) => `  ${quoted(from)}: ${quoted(to)}\n`);
  return `mappings: {\n${lines.join('')}}\n`;
}

/** The engine account's `exports` block: each app's own subjects to that app's account alone. */
export function exportsBlock(apps: readonly string[]): string {
  const entries = [
    ...apps.map((app) => `{ service: ${quoted(subjects.ofApp(app, 'attune.>'))}, accounts: [${accountOf(app)}] }`),
    ...SHARED_SERVICES.map((s) => `{ service: ${quoted(s)} }`),
    ...PUBLIC_STREAMS.map((s) => `{ stream: ${quoted(s)} }`),
    ...LEARNER_SERVICES.map((s) => `{ service: ${quoted(s)}, accounts: [${LEARNERS_ACCOUNT}] }`),
  ];
  return `exports: [\n${entries.map((e) => `  ${e}\n`).join('')}]\n`;
}

const from = (subject: string): string => `{ account: ${ENGINE_ACCOUNT}, subject: ${quoted(subject)} }`;

/** The `imports` block of an app's account. */
function appImportsBlock({ name, scopes = DEFAULT_NATS_SCOPES }: AppGrant): string {
  const reads = scopes.includes('read');
  const entries = [
    ...subjectsFor(scopes).map((s) => `{ service: ${from(subjects.ofApp(name, s))}, to: ${quoted(s)} }`),
    ...(reads ? SHARED_SERVICES : []).map((s) => `{ service: ${from(s)} }`),
    ...(reads ? PUBLIC_STREAMS : []).map((s) => `{ stream: ${from(s)} }`),
  ];
  return `imports: [\n${entries.map((e) => `  ${e}\n`).join('')}]\n`;
}

/** The `permissions` of an app's user. */
function appPermissions({ name, scopes = DEFAULT_NATS_SCOPES }: AppGrant): string {
  const reads = scopes.includes('read');
  const publish = [...subjectsFor(scopes), ...(reads ? SHARED_SERVICES : [])];
  // Clients use `_INBOX` unless told otherwise; the account keeps other apps' replies out of either.
  const subscribe = ['_INBOX.>', `_INBOX_${name}.>`, ...(reads ? PUBLIC_STREAMS : [])];
  const deny = list(ENGINE_ONLY, '    ');
  return [
    '{',
    `  publish: {\n    allow: ${list(publish, '    ')}\n    deny: ${deny}\n  }`,
    `  subscribe: {\n    allow: ${list(subscribe, '    ')}\n    deny: ${deny}\n  }`,
    '}',
  ].join('\n');
}

/** The accounts of the apps, each with one user who is called as the app. */
export function appsBlock(apps: readonly (AppGrant & { readonly password: string })[]): string {
  return apps
    .map(
      ({ password, ...app }) =>
        `${accountOf(app.name)} {\nlimits { max_payload: ${APP_PAYLOAD_MAX} }\n${appImportsBlock(app)}` +
        `users: [ { user: ${quoted(app.name)}, password: ${password}, permissions: ${appPermissions(app)} } ]\n}\n`,
    )
    .join('');
}

/** The learners account's `imports` block. */
export function learnerImportsBlock(): string {
  const entries = [...SHARED_SERVICES, ...LEARNER_SERVICES].map((s) => `{ service: ${from(s)} }`);
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
  return `{ user: ${quoted(`learner.${learnerId}`)}, password: ${passwordOf(`learner-${learnerId}`)}, permissions: ${learnerPermissions(learnerId)} }`;
}

/** The files of config/nats/, name → content. `learners` are the ids of those that run in processes of their own. */
export function natsTemplates(
  partitions: number,
  apps: readonly AppGrant[] = [{ name: DEFAULT_APP }],
  learners: readonly string[] = [],
): Record<string, string> {
  const args = [
    `--partitions ${partitions}`,
    ...apps.map(({ name, scopes }) => `--app ${name}${scopes === undefined ? '' : `=${scopes.join()}`}`),
    ...learners.map((id) => `--learner ${id}`),
  ].join(' ');
  const head = (what: string): string =>
    `# Generated by: npm run nats:config -- ${args}   (do not edit)\n# ${what}\n\n`;
  return {
    'mappings.conf':
      head(`In account ${ENGINE_ACCOUNT}: carries apps' subjects to the partition that owns the actor.`) +
      mappingsBlock(partitions),
    'exports.conf':
      head(`In account ${ENGINE_ACCOUNT}: what other accounts may use.`) + exportsBlock(apps.map(({ name }) => name)),
    'apps.conf':
      head('Among the accounts: one for each app, with what it uses of the engine, under its name.') +
      appsBlock(apps.map((app) => ({ ...app, password: passwordOf(app.name) }))),
    'learners.conf':
      head(`In account ${LEARNERS_ACCOUNT}: learners in processes of their own, each with what it may do.`) +
      `${learnerImportsBlock()}users: [\n${learners.map((id) => `${learnerUser(id)}\n`).join('')}]\n`,
    'nats-server.conf':
      head('A whole server, to copy from. Users have passwords from its environment; nkeys do as well.') +
      exampleServer(),
  };
}

function exampleServer(): string {
  return `listen: "127.0.0.1:4222"
max_payload: 1MB
jetstream { store_dir: $ATTUNE_NATS_STORE }

accounts {
  ${ENGINE_ACCOUNT} {
    jetstream: enabled
    include ./mappings.conf
    include ./exports.conf
    users: [ { user: engine, password: $ATTUNE_ENGINE_PASSWORD } ]
  }
  include ./apps.conf
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
  readonly passwords: Readonly<Record<'engine' | 'learner' | 'sys', string>>;
  readonly apps: readonly (AppGrant & { readonly password: string })[];
  /** The app that whoever connects without a name is; left out: nobody gets in without a name. */
  readonly anonymousApp?: string | undefined;
  /** Upper bound of everything JetStream stores, in bytes: it refuses writes before the disk is full. */
  readonly storeBytesMax?: number | undefined;
  /** JetStream's `sync_interval` (`always`, `10s`); nats-server 2.10 and later. */
  readonly syncInterval?: string | undefined;
}

/** The embedded server's whole configuration. Loopback only. */
export function embeddedConfiguration(s: EmbeddedNatsSettings): string {
  const sync = s.syncInterval === undefined ? '' : `, sync_interval: ${quoted(s.syncInterval)}`;
  const room = s.storeBytesMax === undefined ? '' : `, max_file_store: ${s.storeBytesMax}`;
  const anonymous = s.anonymousApp === undefined ? '' : `no_auth_user: ${quoted(s.anonymousApp)}\n`;
  const apps = s.apps.map(({ name }) => name);
  // The engine reads its account's limit, and shares it out.
  const account = s.storeBytesMax === undefined ? 'enabled' : `{ max_file: ${s.storeBytesMax} }`;
  const user = (name: string, password: string, more = ''): string =>
    `  users: [ { user: ${name}, password: ${quoted(password)}${more} } ]\n`;
  return `# Written at every start by Attune's launcher; changes are lost.
server_name: ${quoted(s.serverName)}
listen: ${quoted(`127.0.0.1:${s.port}`)}
pid_file: ${quoted(s.pidFile)}
max_payload: 1MB
jetstream { store_dir: ${quoted(s.storeDir)}${room}${sync} }
${anonymous}system_account: SYS

accounts {
${ENGINE_ACCOUNT} {
  jetstream: ${account}
${mappingsBlock(s.partitions)}${exportsBlock(apps)}${user('engine', s.passwords.engine)}}
${appsBlock(s.apps.map((app) => ({ ...app, password: quoted(app.password) })))}${LEARNERS_ACCOUNT} {
${learnerImportsBlock()}${user('learner', s.passwords.learner, `, permissions: ${learnerPermissions('*')}`)}}
SYS {
${user('sys', s.passwords.sys)}}
}
`;
}
