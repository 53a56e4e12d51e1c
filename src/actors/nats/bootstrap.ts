/** Makes the streams and buckets of a cluster, each once, whoever comes first and however many come at once. */
import {
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm, type KvOptions } from '@nats-io/kv';
import { Objm } from '@nats-io/obj';
import { nanos } from '@nats-io/transport-node';
import { EngineError } from '../../kernel/errors.js';
import { buckets, streams } from '../../messages/subjects.js';
import { THIS_BUILD } from '../../messages/versions.js';
import {
  assertCompatible,
  changeConstants,
  constantsOrCreate,
  type ClusterConstants,
} from '../host/cluster-constants.js';
import { journalLimits } from './journal-limits.js';
import type { AckedPublisher } from './acked-publisher.js';
import type { NatsLink } from './connection.js';
import { dependency } from './nats-errors.js';
import { NatsKeyValue } from './key-value.js';
import type { StoreSettings } from './store-plan.js';
import { CLUSTER_BYTES_MAX, roomOf, storedPlan, type PlannedStore, type StorePlanOfApps } from './store-room.js';
import {
  changeStream,
  ensureStream,
  makeAll,
  makeOne,
  resize,
  type Making,
  type WantedStream,
} from './stream-making.js';
import { streamInfoOf } from './stream-info.js';

const TIMEOUT_MS = 10_000;
/** A record may have 256 KB of body; the rest is for what the engine puts around it. */
const RECORD_BYTES_MAX = 288 * 1024;
/**
 * The server's deduplication by message id is stream-wide, and an app could make another's event look like a repeat of
 * its own. It cannot be turned off, so its window is as good as none; folds deduplicate.
 */
const DUPLICATE_WINDOW_MS = 100;
const DAY_MS = 86_400_000;

export interface ClusterOptions {
  readonly partitions: number;
  /** JetStream replicas of everything: 1, 3 or 5. */
  readonly replicas: number;
  readonly leaseTtlMs: number;
  /** Names of the apps whose events the journals take; one, `app`, where left out. */
  readonly apps?: readonly string[];
  /** Limits that are set; the others are shares of the room there is. */
  readonly storage?: StoreSettings;
  /** How long experience, dead letters and broadcast states are kept; 0: for ever. */
  readonly experienceAgeMaxMs?: number;
  readonly deadLetterAgeMaxMs?: number;
  readonly stateAgeMaxMs?: number;
}

/**
 * Creates what is missing and checks that this build and configuration fit the cluster; resolves to its constants.
 * Throws Configuration `CLUSTER_PARTITIONS_MISMATCH`, `CLUSTER_TOO_NEW`, `DATA_TOO_OLD`, `CLUSTER_LEASE_TTL_MISMATCH`,
 * `STORE_TOO_SMALL`, `STORE_LIMIT_BELOW_USE`, `STREAM_SUBJECTS_TAKEN`, `JETSTREAM_MISSING`, and Dependency errors, after
 * which it may be called again.
 */
export async function ensureCluster(link: NatsLink, options: ClusterOptions): Promise<ClusterConstants> {
  try {
    return await ensure(link, options);
  } catch (error) {
    throw error instanceof Error && error.name === 'JetStreamNotEnabled'
      ? new EngineError('Configuration', 'JETSTREAM_MISSING', 'The NATS account has no JetStream.', { cause: error })
      : dependency('JetStream', error);
  }
}

async function ensure(link: NatsLink, options: ClusterOptions): Promise<ClusterConstants> {
  const jsm = await jetstreamManager(link.nc, { timeout: TIMEOUT_MS });
  const kvm = new Kvm(jetstream(link.nc, { timeout: TIMEOUT_MS }));
  // The constants come first: a wrong configuration must not leave streams of another partitioning behind.
  const { partitions, leaseTtlMs } = options;
  await makeOne(jsm, {
    ...bucketStream(buckets.cluster),
    make: () => kvm.create(buckets.cluster, { ...bucketOf(options), max_bytes: CLUSTER_BYTES_MAX }),
  });
  // Not by direct gets: of a stream that is still being set up nats-server 2.9.10 does not answer them at all.
  const cluster = await NatsKeyValue.open(link, buckets.cluster, { anyReplica: false });
  const constants = await constantsOrCreate(cluster, {
    partitions,
    leaseTtlMs,
    writeVersion: THIS_BUILD.schema,
    semantics: THIS_BUILD.semantics,
  });
  assertCompatible(constants, partitions);

  const plan = await storedPlan(cluster, options, () => roomOf(jsm, options));

  const journals = Array.from({ length: partitions }, (_, partition) => partition);
  const bucket = (name: string, bytes: number, more: Partial<KvOptions> = {}): Making => ({
    ...bucketStream(name),
    make: async () => {
      await kvm.create(name, { ...bucketOf(options), max_bytes: bytes, ...more });
      await resize(jsm, `KV_${name}`, bytes);
    },
  });
  const objects = (name: string, bytes: number): Making => ({
    name: `OBJ_${name}`,
    subjects: [`$O.${name}.C.>`, `$O.${name}.M.>`],
    make: async () => {
      await new Objm(link.nc).create(name, { replicas: options.replicas, storage: StorageType.File, max_bytes: bytes });
      await resize(jsm, `OBJ_${name}`, bytes);
    },
  });
  const { leaseTtlMs: ttl } = constants;
  await makeAll(jsm, [
    // What the rest of the cluster needs to live comes first: a store that is too small says so at once.
    bucket(buckets.leases, plan.small, { ttl }),
    bucket(buckets.hosts, plan.small, { ttl }),
    ...journals.map((partition) => ({
      name: streams.journal(partition),
      subjects: streams.journalSubjects(partition, plan.apps),
      make: () => ensureJournal(jsm, partition, options, plan),
    })),
    ...journals.map((partition) => bucket(buckets.snapshots(partition), plan.snapshots)),
    ...otherStreams(options, plan).map((stream) => ({
      name: stream.name,
      subjects: stream.subjects ?? [],
      make: () => ensureStream(jsm, stream),
    })),
    bucket(buckets.policies, plan.policies),
    objects(buckets.artifacts, plan.artifacts),
    objects(buckets.checkpoints, plan.learnerCheckpoints),
  ]);
  if (constants.leaseTtlMs === leaseTtlMs) return constants;
  return changeLeaseTtl(link, jsm, cluster, options);
}

/** A bucket as this cluster reads it: from the leader where there are replicas. */
export const openBucket = (
  link: NatsLink,
  bucket: string,
  replicas: number,
  publisher?: AckedPublisher,
): Promise<NatsKeyValue> =>
  NatsKeyValue.open(link, bucket, { anyReplica: replicas === 1, ...(publisher === undefined ? {} : { publisher }) });

/** Two hosts with different ideas of a lease's life would both own it, so it changes only while nobody is there. */
async function changeLeaseTtl(
  link: NatsLink,
  jsm: JetStreamManager,
  cluster: NatsKeyValue,
  options: ClusterOptions,
): Promise<ClusterConstants> {
  const hosts = await openBucket(link, buckets.hosts, options.replicas);
  const live = await hosts.keys('');
  if (live.length > 0) {
    throw new EngineError(
      'Configuration',
      'CLUSTER_LEASE_TTL_MISMATCH',
      `cluster.leaseTtlMs is ${options.leaseTtlMs} here, and the running hosts (${live.join(', ')}) use another. ` +
        'Stop them all to change it.',
      { field: 'cluster.leaseTtlMs' },
    );
  }
  for (const bucket of [buckets.leases, buckets.hosts]) {
    const max_age = nanos(options.leaseTtlMs);
    const duplicate_window = Math.min(max_age, nanos(DUPLICATE_WINDOW_MS));
    await jsm.streams.update(`KV_${bucket}`, { max_age, duplicate_window });
  }
  return changeConstants(cluster, (current) => ({ ...current, leaseTtlMs: options.leaseTtlMs }));
}

const bucketStream = (bucket: string): Pick<Making, 'name' | 'subjects'> => ({
  name: `KV_${bucket}`,
  subjects: [`$KV.${bucket}.>`],
});

const bucketOf = (options: ClusterOptions): Partial<KvOptions> => ({
  history: 1,
  storage: StorageType.File,
  replicas: options.replicas,
  allow_direct: options.replicas === 1,
});

const base = (
  options: ClusterOptions,
): Pick<StreamConfig, 'storage' | 'retention' | 'num_replicas' | 'allow_direct'> => ({
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  num_replicas: options.replicas,
  allow_direct: true,
});

function journalStream(partition: number, options: ClusterOptions, plan: StorePlanOfApps): WantedStream {
  return {
    ...base(options),
    name: streams.journal(partition),
    subjects: streams.journalSubjects(partition, plan.apps),
    // A full journal refuses; it never drops what it holds.
    discard: DiscardPolicy.New,
    ...journalLimits('all', plan, { messages: 0 }),
    max_msg_size: RECORD_BYTES_MAX,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  };
}

function otherStreams(options: ClusterOptions, plan: StorePlanOfApps): WantedStream[] {
  return [
    {
      ...base(options),
      name: streams.experience,
      subjects: [...streams.experienceSubjects],
      // What a learner has not read yet is not dropped for what comes after it.
      discard: DiscardPolicy.New,
      max_bytes: plan.experience,
      max_age: nanos(options.experienceAgeMaxMs ?? 30 * DAY_MS),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
    {
      ...base(options),
      name: streams.deadLetter,
      subjects: [...streams.deadLetterSubjects],
      // Copies: the newest are worth more than the oldest, and a fold must not wait for room among them.
      discard: DiscardPolicy.Old,
      max_bytes: plan.deadLetters,
      max_age: nanos(options.deadLetterAgeMaxMs ?? 90 * DAY_MS),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
    {
      ...base(options),
      name: streams.state,
      subjects: [...streams.stateSubjects],
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      max_bytes: plan.state,
      max_age: nanos(options.stateAgeMaxMs ?? 0),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
  ];
}

/**
 * A journal that exists goes on taking what it takes: whoever owns it decides when it takes events again, and whose. Only
 * an app that nobody has named before is let in here, since it may be long until an owner looks at the plan again.
 */
async function ensureJournal(
  jsm: JetStreamManager,
  partition: number,
  options: ClusterOptions,
  plan: PlannedStore,
): Promise<void> {
  const wanted = journalStream(partition, options, plan);
  const existing = await streamInfoOf(jsm, wanted.name);
  if (!existing) return void (await jsm.streams.add(wanted));
  const captured = existing.config.subjects;
  const intake = streams.intakeOf(partition, captured);
  const leftOut = streams.appsLeftOut(partition, plan.apps, captured).filter((app) => !plan.newApps.includes(app));
  const taken = plan.apps.filter((app) => !leftOut.includes(app));
  const subjects = streams.journalSubjects(partition, taken, intake);
  await changeStream(jsm, existing, { ...wanted, subjects, ...journalLimits(intake, plan, existing.state) });
}
