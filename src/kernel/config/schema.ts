/**
 * The engine's configuration: one strict schema, with built-in values for everything. config/default.yaml says the
 * same with explanations. Durations are milliseconds, sizes bytes, money cents.
 */
import { z, type ZodType } from 'zod';
import { APP_NAME, DEFAULT_APP, RESERVED_APPS } from '../ids.js';
import { LOG_LEVELS } from '../logger.js';
import { NATS_SCOPES, SCOPES } from '../scopes.js';

const ROLES = ['all', 'gateway', 'host', 'learner'] as const;
export type Role = (typeof ROLES)[number];

const count = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max);
const durationMs = (min: number, max = 86_400_000): z.ZodNumber => count(min, max);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"');
const urlOf = (...schemes: string[]): z.ZodString =>
  z
    .string()
    .refine(
      (text) => text.split(',').every((part) => schemes.some((scheme) => part.trim().startsWith(`${scheme}://`))),
      `must begin with ${schemes.map((s) => `${s}://`).join(' or ')}`,
    );

const http = z.strictObject({
  host: z.string().min(1),
  port: count(0, 65_535),
  allowedHosts: z
    .array(
      z
        .string()
        .regex(
          /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/,
          'must be a host name without a port',
        )
        .max(253),
    )
    .max(100),
  docs: z.boolean(),
});

const nats = z.strictObject({
  url: urlOf('nats', 'tls', 'ws', 'wss').optional(),
  user: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
});

const cluster = z.strictObject({
  partitions: count(1, 1024),
  replicas: z.union([z.literal(1), z.literal(3), z.literal(5)], 'must be 1, 3 or 5'),
  leaseTtlMs: durationMs(1000, 600_000),
  hungAfterMs: durationMs(100, 300_000).optional(),
  hostId: name.optional(),
});

const limits = z.strictObject({
  mailboxMax: count(1, 65_536),
  pendingAppendsMax: count(1, 1_000_000),
  activationsMax: count(1, 10_000_000),
  activationIdleMs: durationMs(100),
  checkpointIntervalMs: durationMs(100, 3_600_000),
  checkpointRecordsMax: count(1, 10_000_000),
  outputsUnackedMax: count(1, 1_000_000),
  requestDeadlineMs: durationMs(1, 60_000),
  poisonShareMax: z.number().gt(0).max(1),
  bodyBytesMax: count(1024, 64 * 1024 * 1024),
  connectionsMax: count(1, 1_000_000),
  connectionsPerAddressMax: count(0, 1_000_000),
  slowClientMs: durationMs(1000, 600_000),
});

const bytesMax = count(64 * 1024, 2 ** 50);
/** 0: for ever. */
const ageMs = z.union([z.literal(0), count(60_000, 100 * 366 * 86_400_000)], 'must be 0 or at least a minute');

const storage = z.strictObject({
  bytesMax: bytesMax.optional(),
  journals: z.strictObject({ ageMs, bytesMax: bytesMax.optional() }),
  snapshots: z.strictObject({ bytesMax: bytesMax.optional() }),
  experience: z.strictObject({ ageMs, bytesMax: bytesMax.optional() }),
  deadLetters: z.strictObject({ ageMs, bytesMax: bytesMax.optional() }),
  state: z.strictObject({ ageMs, bytesMax: bytesMax.optional() }),
  artifacts: z.strictObject({ bytesMax: bytesMax.optional() }),
  learnerCheckpoints: z.strictObject({ bytesMax: bytesMax.optional() }),
  facts: z.enum(['auto', 'expected', 'none']),
});

const perSecond = count(0, 10_000_000);
const rateLimit = z.strictObject({ perAddress: perSecond, perKey: perSecond, perUser: perSecond });

const appName = z
  .string()
  .regex(APP_NAME, 'must be 1 to 32 of a-z, 0-9 and "-", and begin and end with a letter or digit')
  .refine((text) => !RESERVED_APPS.includes(text), `must be none of ${RESERVED_APPS.join(', ')}`);

const app = z.strictObject({
  name: appName,
  /** What its NATS account may do; DEFAULT_NATS_SCOPES if left out. */
  scopes: z.array(z.enum(NATS_SCOPES)).min(1, 'must hold at least one scope').max(NATS_SCOPES.length).optional(),
  eventsPerSecondMax: count(0, 10_000_000).default(0),
  eventBytesPerSecondMax: count(0, 10_000_000_000).default(0),
  /** Per partition. 0: no limit. Left out: none where it is the only app, else EVENTS_WAITING_MAX. */
  eventsWaitingMax: count(0, 1_000_000).optional(),
  eventBytesWaitingMax: count(0, 10_000_000_000).optional(),
});

const apiKey = z.strictObject({
  name,
  /** Whose requests they are that come with it; may be left out where there is one app. */
  app: appName.optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the key: 64 lower-case hex digits'),
  scopes: z.array(z.enum(SCOPES)).min(1, 'must hold at least one scope').max(SCOPES.length),
});

/** The rest of a learner's settings is checked by the learner host, which knows the plug-ins. */
const learner = z.looseObject({
  id: name,
  kind: z.string().min(1),
  surface: z.string().min(1),
  policy: z.string().min(1),
});

/** `fold` is owned by the message contract, above the kernel, and comes in from there. */
export const configSchema = <Fold>(fold: ZodType<Fold>) =>
  z.strictObject({
    role: z.enum(ROLES),
    http,
    nats,
    database: z.strictObject({ url: urlOf('postgres', 'postgresql').optional() }),
    stateDir: z.string().min(1),
    surfacesDir: z.string().min(1),
    policiesDir: z.string().min(1),
    cluster,
    fold,
    limits,
    storage,
    rateLimit,
    apps: z.array(app).min(1).max(256),
    auth: z.strictObject({ apiKeys: z.array(apiKey).max(10_000) }),
    log: z.strictObject({ level: z.enum(LOG_LEVELS) }),
    learners: z.array(learner).max(256),
  });

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Deeply frozen. */
export type Config<Fold> = DeepReadonly<z.infer<ReturnType<typeof configSchema<Fold>>>>;

/** Built-in values; files and environment are laid over them. */
export const CONFIG_DEFAULTS = {
  role: 'all',
  http: { host: '127.0.0.1', port: 8080, allowedHosts: [], docs: true },
  nats: {},
  database: {},
  stateDir: '.attune',
  surfacesDir: 'config/surfaces',
  policiesDir: 'config/policies',
  cluster: { partitions: 16, replicas: 1, leaseTtlMs: 5000 },
  limits: {
    mailboxMax: 64,
    pendingAppendsMax: 4096,
    activationsMax: 100_000,
    activationIdleMs: 600_000,
    checkpointIntervalMs: 30_000,
    checkpointRecordsMax: 5000,
    outputsUnackedMax: 10_000,
    requestDeadlineMs: 1000,
    poisonShareMax: 0.01,
    bodyBytesMax: 4 * 1024 * 1024,
    connectionsMax: 10_000,
    connectionsPerAddressMax: 1000,
    slowClientMs: 30_000,
  },
  storage: {
    journals: { ageMs: 7 * 86_400_000 },
    snapshots: {},
    experience: { ageMs: 30 * 86_400_000 },
    deadLetters: { ageMs: 90 * 86_400_000 },
    state: { ageMs: 0 },
    artifacts: {},
    learnerCheckpoints: {},
    facts: 'auto',
  },
  rateLimit: { perAddress: 5_000, perKey: 100_000, perUser: 200 },
  apps: [{ name: DEFAULT_APP }],
  auth: { apiKeys: [] },
  log: { level: 'info' },
  learners: [],
} as const;

export interface Problem {
  /** Path, as in `limits.mailboxMax`. */
  readonly field: string;
  readonly value?: unknown;
  readonly rule: string;
}

/** What no single field can say. Called on a configuration whose fields are valid. */
export function relationProblems(config: Config<unknown>): Problem[] {
  const problems: Problem[] = [];
  const demand = (holds: boolean, problem: Problem): void => {
    if (!holds) problems.push(problem);
  };
  const { role, http: listen, nats: server, cluster, apps, auth, learners } = config;
  demand(isLoopback(listen.host) || auth.apiKeys.length > 0, {
    field: 'auth.apiKeys',
    value: [],
    rule: `must hold a key where http.host (${listen.host}) is not a loopback address`,
  });
  demand(role === 'all' || server.url !== undefined, {
    field: 'nats.url',
    rule: `must be set for the role ${role}: only the role all brings its own server`,
  });
  demand((server.user === undefined) === (server.password === undefined), {
    field: 'nats.password',
    value: server.password,
    rule: 'must be set together with nats.user',
  });
  demand(cluster.replicas === 1 || server.url !== undefined, {
    field: 'cluster.replicas',
    value: cluster.replicas,
    rule: 'must be 1 without nats.url: the embedded server is one node',
  });
  demand(hungAfterMsOf(cluster) <= cluster.leaseTtlMs / 2, {
    field: 'cluster.hungAfterMs',
    value: cluster.hungAfterMs,
    rule: `must be at most half of cluster.leaseTtlMs (${cluster.leaseTtlMs})`,
  });
  demandUnique(apps, 'apps', 'name', problems);
  const names = apps.map(({ name }) => name);
  auth.apiKeys.forEach(({ app }, index) =>
    demand(app === undefined ? names.length === 1 : names.includes(app), {
      field: `auth.apiKeys[${index}].app`,
      value: app,
      rule: `must be one of the apps: ${names.join(', ')}`,
    }),
  );
  demandUnique(auth.apiKeys, 'auth.apiKeys', 'name', problems);
  // One key under two names would have the scopes of whichever comes last.
  demandUnique(auth.apiKeys, 'auth.apiKeys', 'sha256', problems);
  demandUnique(learners, 'learners', 'id', problems);
  return problems;
}

/** Without progress for so long a process hangs, and its leases are renewed no more: half a lease's life where it is not set. */
export const hungAfterMsOf = (cluster: {
  readonly leaseTtlMs: number;
  readonly hungAfterMs?: number | undefined;
}): number => cluster.hungAfterMs ?? Math.floor(cluster.leaseTtlMs / 2);

function demandUnique<K extends string>(
  items: readonly Record<K, string>[],
  field: string,
  key: K,
  problems: Problem[],
): void {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    if (seen.has(item[key]))
      problems.push({ field: `${field}[${index}].${key}`, value: item[key], rule: 'must be unique' });
    seen.add(item[key]);
  });
}

/** Whether only this machine can connect to what listens on `host`. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
