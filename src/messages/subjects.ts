/**
 * The only place that spells and parses NATS subjects, stream names and bucket names.
 *
 * Apps use `attune.<kind>.<token>.<verb>` and `attune.event.<kind>.<token>.<type>`, each in an account of its own. The
 * account's imports put the app's name in front (`attune.app.<app>.…`), so that no app can speak as another, and the
 * server's subject mappings carry both to the owner's partition, where only the engine may publish:
 *
 *     attune.p.<partition>.<class>.<app>.<kind>.<token>.<name>
 *
 * `<app>` is whoever asked for what the record says; `engine` for what the engine writes by itself.
 */

import { ENGINE_APP } from '../kernel/ids.js';

/** Actors that live in partitions. `anon` is the stand-in for a subject without consent. */
export const ACTOR_KINDS = ['user', 'anon', 'zone', 'campaign'] as const;
export type ActorKindName = (typeof ACTOR_KINDS)[number];

/** The kinds that apps may address. */
export const PUBLIC_KINDS = ['user', 'zone', 'campaign'] as const;

/** What a partition's journal captures; request verbs are never captured. */
export const RECORD_CLASSES = ['event', 'decision', 'command', 'timer', 'output', 'control'] as const;
export type RecordClass = (typeof RECORD_CLASSES)[number];

export const CONTROL_NAMES = ['barrier', 'marker', 'verdict', 'redrive'] as const;
export type ControlName = (typeof CONTROL_NAMES)[number];

/**
 * What a journal takes: everything; no events, because it is filling; because it is nearly full, only what must go on so
 * that it can be trimmed: outputs, which partitions' checkpoints wait for, and control records; or these alone.
 */
export const INTAKES = ['all', 'owned', 'outputs', 'control'] as const;
export type Intake = (typeof INTAKES)[number];

const CLASSES_TAKEN: Readonly<Record<Intake, readonly RecordClass[]>> = {
  all: RECORD_CLASSES,
  owned: RECORD_CLASSES.filter((cls) => cls !== 'event'),
  outputs: ['output', 'control'],
  control: ['control'],
};

/** Not a part of any app's name. */
const FORWARDED = 'gateway_';

/** The app whose request it is, and whether a gateway vouches for it; by the subject's token for the app. */
export const askerOf = (token: string): { readonly app: string; readonly isForwarded: boolean } =>
  token.startsWith(FORWARDED)
    ? { app: token.slice(FORWARDED.length), isForwarded: true }
    : { app: token, isForwarded: false };

export const subjects = {
  /** As apps and learners spell it. */
  request: (kind: string, token: string, verb: string): string => `attune.${kind}.${token}.${verb}`,
  event: (kind: string, token: string, type: string): string => `attune.event.${kind}.${token}.${type}`,
  /** Where an app's `request` and `event` arrive in the engine's account, before the mappings. */
  ofApp: (app: string, subject: string): string => subject.replace(/^attune/, `attune.app.${app}`),
  /** What the owner of a partition subscribes to. */
  partitionRequests: (partition: number): string => `attune.p.${partition}.req.>`,
  partitionRequest: (partition: number, app: string, kind: string, token: string, verb: string): string =>
    `attune.p.${partition}.req.${app}.${kind}.${token}.${verb}`,
  /** What a gateway asks for a caller of this app, and vouches for: no app's name is like this, so no import makes it. */
  forwardedRequest: (partition: number, app: string, kind: string, token: string, verb: string): string =>
    `attune.p.${partition}.req.${FORWARDED}${app}.${kind}.${token}.${verb}`,
  /** Requests to a partition itself: the engine's alone. */
  partitionItself: (partition: number, verb: string): string =>
    `attune.p.${partition}.req.${ENGINE_APP}.partition._.${verb}`,
  /** A record's place in its partition's journal. */
  record: (
    partition: number,
    cls: Exclude<RecordClass, 'control'>,
    app: string,
    kind: string,
    token: string,
    name?: string,
  ) => `attune.p.${partition}.${cls}.${app}.${kind}.${token}${name === undefined ? '' : `.${name}`}`,
  control: (partition: number, name: ControlName): string => `attune.p.${partition}.control.${ENGINE_APP}.${name}`,
  allControls: (partition: number): string => `attune.p.${partition}.control.>`,
  /** Outputs addressed to a whole partition rather than to one of its actors. */
  partitionOutput: (partition: number, name: string): string =>
    `attune.p.${partition}.output.${ENGINE_APP}.partition._.${name}`,
  experience: (surface: string): string => `attune.experience.${surface}`,
  /** The copy of the record at this place of a journal: its subject is its index. */
  deadLetter: (partition: number, sequence: number): string => `attune.deadletter.${partition}.${sequence}`,
  /** Last known state of an actor, broadcast and kept by the state stream (one message a subject). */
  state: (kind: string, token: string): string => `attune.state.${kind}.${token}`,
  /** Likewise, with what is for the engine and its operators only: no account imports it. */
  books: (kind: string, token: string): string => `attune.books.${kind}.${token}`,
  hostStatus: (hostId: string): string => `attune.host.${hostId}.status`,
  allHostStatus: 'attune.host.*.status',
} as const;

export const streams = {
  journal: (partition: number): string => `ATTUNE_P${partition}`,
  /**
  /**
   * What a partition's journal captures while it takes this; request verbs never. Events are captured by app, and the
   * engine's too: those of an app that is left out are refused by the server, while everything else goes on.
   */
  journalSubjects: (partition: number, apps: readonly string[], intake: Intake = 'all'): string[] =>
    CLASSES_TAKEN[intake].flatMap((cls) =>
      cls === 'event'
        ? [ENGINE_APP, ...apps].map((app) => streams.appEvents(partition, app))
        : [`attune.p.${partition}.${cls}.>`],
    ),
  appEvents: (partition: number, app: string): string => `attune.p.${partition}.event.${app}.>`,
  /** Of these apps, those whose events a journal with these subjects does not take. */
  appsLeftOut: (partition: number, apps: readonly string[], captured: readonly string[]): string[] =>
    apps.filter((app) => !captured.includes(streams.appEvents(partition, app))),
  /** What a journal with these subjects takes. */
  intakeOf: (partition: number, captured: readonly string[]): Intake => {
    const takes = (cls: RecordClass): boolean => captured.some((s) => s.startsWith(`attune.p.${partition}.${cls}.`));
    return INTAKES.find((intake) => CLASSES_TAKEN[intake].every(takes)) ?? 'control';
  },
  experience: 'ATTUNE_EXPERIENCE',
  experienceSubjects: ['attune.experience.>'],
  deadLetter: 'ATTUNE_DEADLETTER',
  deadLetterSubjects: ['attune.deadletter.>'],
  state: 'ATTUNE_STATE',
  stateSubjects: ['attune.state.>', 'attune.books.>'],
} as const;

export const buckets = {
  /** One key a partition or learner: who holds the lease. Bucket TTL is the lease TTL. */
  leases: 'ATTUNE_LEASES',
  /** One key a host: alive. Bucket TTL. */
  hosts: 'ATTUNE_HOSTS',
  snapshots: (partition: number): string => `ATTUNE_SNAPSHOTS_${partition}`,
  /** Cluster constants (partitions, write version), created once. */
  cluster: 'ATTUNE_CLUSTER',
  /** Policy registry: `<policyId>` → the live version and its artifact. */
  policies: 'ATTUNE_POLICIES',
  /** Object store of artifacts. */
  artifacts: 'ATTUNE_ARTIFACTS',
  /** Object store of learners' checkpoints: megabytes, apart from the small artifacts that come and go every other second. */
  checkpoints: 'ATTUNE_CHECKPOINTS',
} as const;

/** The parts of a subject under `attune.p.<N>`; undefined for any other subject. */
export interface PartitionSubject {
  readonly partition: number;
  readonly cls: RecordClass | 'req';
  /** The app that asked for it, or `engine`. */
  readonly app: string;
  /** Actor kind; for `control` the control's name. */
  readonly kind: string;
  /** Actor token; empty for `control`. */
  readonly token: string;
  /** Event type, verb or output name; may have dots; empty where there is none. */
  readonly name: string;
}

const PARTITION_PREFIX = 'attune.p.';

/** By the dots, without a list of the parts: every record is parsed, some of them twice. */
export function parsePartitionSubject(subject: string): PartitionSubject | undefined {
  if (!subject.startsWith(PARTITION_PREFIX)) return undefined;
  const cls = subject.indexOf('.', PARTITION_PREFIX.length) + 1;
  const app = cls === 0 ? 0 : subject.indexOf('.', cls) + 1;
  const kind = app === 0 ? 0 : subject.indexOf('.', app) + 1;
  if (kind === 0) return undefined;
  const token = subject.indexOf('.', kind) + 1;
  const name = token === 0 ? 0 : subject.indexOf('.', token) + 1;
  return {
    partition: Number(subject.slice(PARTITION_PREFIX.length, cls - 1)),
    cls: subject.slice(cls, app - 1) as RecordClass | 'req',
    app: subject.slice(app, kind - 1),
    kind: token === 0 ? subject.slice(kind) : subject.slice(kind, token - 1),
    token: token === 0 ? '' : name === 0 ? subject.slice(token) : subject.slice(token, name - 1),
    name: name === 0 ? '' : subject.slice(name),
  };
}

/**
 * The account-level mappings that make the server do the sharding, source → destination. What is asked in the engine's own
 * account is the engine's.
 */
export function subjectMappings(partitions: number): Record<string, string> {
  const mappings: Record<string, string> = {};
  for (const kind of PUBLIC_KINDS) {
    mappings[`attune.app.*.${kind}.*.>`] =
      `attune.p.{{partition(${partitions},2)}}.req.{{wildcard(1)}}.${kind}.{{wildcard(2)}}.>`;
    mappings[`attune.${kind}.*.>`] =
      `attune.p.{{partition(${partitions},1)}}.req.${ENGINE_APP}.${kind}.{{wildcard(1)}}.>`;
  }
  mappings['attune.app.*.event.*.*.>'] =
    `attune.p.{{partition(${partitions},3)}}.event.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.>`;
  mappings['attune.event.*.*.>'] =
    `attune.p.{{partition(${partitions},2)}}.event.${ENGINE_APP}.{{wildcard(1)}}.{{wildcard(2)}}.>`;
  return mappings;
}
