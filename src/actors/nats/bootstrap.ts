/** Makes the streams and buckets of a cluster, each once, whoever comes first. */
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
import { DEFAULT_APP } from '../../kernel/ids.js';
import { buckets, streams } from '../../messages/subjects.js';
import { THIS_BUILD } from '../../messages/versions.js';
import {
  assertCompatible,
  changeConstants,
  constantsOrCreate,
  type ClusterConstants,
} from '../host/cluster-constants.js';
import type { AckedPublisher } from './acked-publisher.js';
import type { NatsLink } from './connection.js';
import { dependency, isStreamMissing } from './nats-errors.js';
import { NatsKeyValue } from './key-value.js';

const TIMEOUT_MS = 10_000;
/** A record may have 256 KB of body; the rest is for what the engine puts around it. */
const RECORD_BYTES_MAX = 288 * 1024;
/**
 * The server's deduplication by message id is stream-wide, and an app could make another's event look like a repeat of
 * its own. It cannot be turned off, so its window is as good as none; folds deduplicate.
 */
const DUPLICATE_WINDOW_MS = 100;
const DAY_MS = 86_400_000;
const CONCURRENT_MAX = 8;

export interface ClusterOptions {
  readonly partitions: number;
  /** JetStream replicas of everything: 1, 3 or 5. */
  readonly replicas: number;
  readonly leaseTtlMs: number;
  /** Names of the apps whose events the journals take; one, `app`, where left out. */
  readonly apps?: readonly string[];
  /** Upper bound of one journal; over it appends are refused. Unlimited where left out. */
  readonly journalBytesMax?: number;
  /** How long experience and dead letters are kept. */
  readonly experienceAgeMaxMs?: number;
  readonly deadLetterAgeMaxMs?: number;
}

/**
 * Creates what is missing and checks that this build and configuration fit the cluster; resolves to its constants.
 * Throws Configuration `CLUSTER_PARTITIONS_MISMATCH`, `CLUSTER_TOO_NEW`, `DATA_TOO_OLD`, `CLUSTER_LEASE_TTL_MISMATCH`,
 * `JETSTREAM_MISSING`.
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
  await kvm.create(buckets.cluster, bucketOf(options));
  const cluster = await openBucket(link, buckets.cluster, options.replicas);
  const constants = await constantsOrCreate(cluster, {
    partitions,
    leaseTtlMs,
    writeVersion: THIS_BUILD.schema,
    semantics: THIS_BUILD.semantics,
  });
  assertCompatible(constants, partitions);

  const journals = Array.from({ length: partitions }, (_, partition) => partition);
  await inParallel([
    ...journals.map((partition) => () => ensureStream(jsm, journalStream(partition, options))),
    ...journals.map((partition) => () => kvm.create(buckets.snapshots(partition), bucketOf(options))),
    ...otherStreams(options).map((stream) => () => ensureStream(jsm, stream)),
    () => kvm.create(buckets.leases, { ...bucketOf(options), ttl: constants.leaseTtlMs }),
    () => kvm.create(buckets.hosts, { ...bucketOf(options), ttl: constants.leaseTtlMs }),
    () => kvm.create(buckets.policies, bucketOf(options)),
    ...[buckets.artifacts, buckets.checkpoints].map(
      (name) => () => new Objm(link.nc).create(name, { replicas: options.replicas, storage: StorageType.File }),
    ),
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

function journalStream(partition: number, options: ClusterOptions): Partial<StreamConfig> & { name: string } {
  return {
    ...base(options),
    name: streams.journal(partition),
    subjects: streams.journalSubjects(partition, options.apps ?? [DEFAULT_APP]),
    // A full journal refuses; it never drops what it holds.
    discard: DiscardPolicy.New,
    max_bytes: options.journalBytesMax ?? -1,
    max_msg_size: RECORD_BYTES_MAX,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  };
}

function otherStreams(options: ClusterOptions): (Partial<StreamConfig> & { name: string })[] {
  return [
    {
      ...base(options),
      name: streams.experience,
      subjects: [...streams.experienceSubjects],
      max_age: nanos(options.experienceAgeMaxMs ?? 30 * DAY_MS),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
    {
      ...base(options),
      name: streams.deadLetter,
      subjects: [...streams.deadLetterSubjects],
      max_age: nanos(options.deadLetterAgeMaxMs ?? 90 * DAY_MS),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
    {
      ...base(options),
      name: streams.state,
      subjects: [...streams.stateSubjects],
      max_msgs_per_subject: 1,
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    },
  ];
}

/** Creates the stream, or brings the settings that may change over its life to what is wanted. */
async function ensureStream(jsm: JetStreamManager, wanted: Partial<StreamConfig> & { name: string }): Promise<void> {
  const existing = await jsm.streams.info(wanted.name).catch((error: unknown) => {
    if (isStreamMissing(error)) return undefined;
    throw error;
  });
  if (!existing) {
    await jsm.streams.add(wanted);
    return;
  }
  const { max_bytes, max_age, max_msg_size, num_replicas } = existing.config;
  const has: Partial<StreamConfig> = { max_bytes, max_age, max_msg_size, num_replicas };
  const differs = (Object.keys(has) as (keyof typeof has)[]).some(
    (k) => wanted[k] !== undefined && wanted[k] !== has[k],
  );
  // Never fewer subjects: another process may know of more apps.
  const subjects = [...new Set([...existing.config.subjects, ...(wanted.subjects ?? [])])];
  if (differs || subjects.length > existing.config.subjects.length) {
    await jsm.streams.update(wanted.name, { ...wanted, subjects });
  }
}

/** A few at a time: a server with many streams to make answers each call late. */
async function inParallel(tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < tasks.length) await tasks[next++]!();
  };
  await Promise.all(Array.from({ length: CONCURRENT_MAX }, worker));
}
