/** Makes the streams and buckets of a cluster, each once, whoever comes first. */
import {
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
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
import { limitWhile } from '../host/intake.js';
import type { AckedPublisher } from './acked-publisher.js';
import type { NatsLink } from './connection.js';
import { dependency, isStreamMissing, noRoomFor } from './nats-errors.js';
import { NatsKeyValue } from './key-value.js';
import type { StoreSettings } from './store-plan.js';
import { CLUSTER_BYTES_MAX, roomOf, storedPlan, type StorePlanOfApps } from './store-room.js';

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
/** A limit may be lowered to where so much of it would be in use. */
const USED_SHARE_MAX = 0.9;

type WantedStream = Partial<StreamConfig> & { name: string };

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
 * `STORE_TOO_SMALL`, `STORE_LIMIT_BELOW_USE`, `JETSTREAM_MISSING`.
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
  await kvm.create(buckets.cluster, { ...bucketOf(options), max_bytes: CLUSTER_BYTES_MAX });
  const cluster = await openBucket(link, buckets.cluster, options.replicas);
  const constants = await constantsOrCreate(cluster, {
    partitions,
    leaseTtlMs,
    writeVersion: THIS_BUILD.schema,
    semantics: THIS_BUILD.semantics,
  });
  assertCompatible(constants, partitions);

  const plan = await storedPlan(cluster, options, () => roomOf(jsm, options));

  const journals = Array.from({ length: partitions }, (_, partition) => partition);
  const bucket =
    (name: string, bytes: number, more: Partial<KvOptions> = {}) =>
    async (): Promise<void> => {
      await kvm.create(name, { ...bucketOf(options), max_bytes: bytes, ...more });
      await resize(jsm, `KV_${name}`, bytes);
    };
  const objects = (name: string, bytes: number) => async (): Promise<void> => {
    await new Objm(link.nc).create(name, { replicas: options.replicas, storage: StorageType.File, max_bytes: bytes });
    await resize(jsm, `OBJ_${name}`, bytes);
  };
  const { leaseTtlMs: ttl } = constants;
  await makeRoomFor([
    // What the rest of the cluster needs to live comes first: a store that is too small says so at once.
    bucket(buckets.leases, plan.small, { ttl }),
    bucket(buckets.hosts, plan.small, { ttl }),
    ...journals.map((partition) => () => ensureJournal(jsm, partition, options, plan)),
    ...journals.map((partition) => bucket(buckets.snapshots(partition), plan.snapshots)),
    ...otherStreams(options, plan).map((stream) => () => ensureStream(jsm, stream)),
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
    max_bytes: plan.journal,
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

/** A journal that exists goes on taking what it takes: whoever owns it decides when it takes events again. */
async function ensureJournal(
  jsm: JetStreamManager,
  partition: number,
  options: ClusterOptions,
  plan: StorePlanOfApps,
): Promise<void> {
  const wanted = journalStream(partition, options, plan);
  const existing = await infoOf(jsm, wanted.name);
  if (!existing) return void (await jsm.streams.add(wanted));
  const intake = streams.intakeOf(partition, existing.config.subjects);
  const max_bytes = limitWhile(intake, plan.journal, plan.journalReserve);
  const subjects = intake === 'all' ? (wanted.subjects ?? []) : existing.config.subjects;
  await ensureStream(jsm, { ...wanted, subjects, max_bytes });
}

/** Creates the stream, or brings the settings that may change over its life to what is wanted. */
async function ensureStream(jsm: JetStreamManager, wanted: WantedStream): Promise<void> {
  const existing = await infoOf(jsm, wanted.name);
  if (!existing) {
    await jsm.streams.add(wanted);
    return;
  }
  const { max_bytes, max_age, max_msg_size, num_replicas, discard } = existing.config;
  const has: Partial<StreamConfig> = { max_bytes, max_age, max_msg_size, num_replicas, discard };
  const differs = (Object.keys(has) as (keyof typeof has)[]).some(
    (k) => wanted[k] !== undefined && wanted[k] !== has[k],
  );
  // Never fewer subjects: another process may know of more apps.
  const subjects = [...new Set([...existing.config.subjects, ...(wanted.subjects ?? [])])];
  if (!differs && subjects.length === existing.config.subjects.length) return;
  if (wanted.max_bytes !== undefined && wanted.discard === DiscardPolicy.New) {
    assertHolds(wanted.name, existing.state.bytes, wanted.max_bytes);
  }
  await jsm.streams.update(wanted.name, { ...wanted, subjects });
}

/** Of a bucket or an object store that exists. */
async function resize(jsm: JetStreamManager, name: string, max_bytes: number): Promise<void> {
  const { config, state } = await jsm.streams.info(name);
  if (config.max_bytes === max_bytes) return;
  assertHolds(name, state.bytes, max_bytes);
  await jsm.streams.update(name, { ...config, max_bytes });
}

/** The server makes a stream fit a lower limit by dropping its oldest messages, whatever it says of new ones (m: 2.9.10). */
function assertHolds(name: string, bytes: number, max: number): void {
  if (bytes <= max * USED_SHARE_MAX) return;
  throw new EngineError(
    'Configuration',
    'STORE_LIMIT_BELOW_USE',
    `${name} holds ${bytes} bytes, and its limit would be ${max}: the server would drop what is above it. Raise the limit ` +
      '(storage.*.bytesMax) or wait until it holds less.',
    { field: 'storage' },
  );
}

const infoOf = (jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> =>
  jsm.streams.info(name).catch((error: unknown) => {
    if (isStreamMissing(error)) return undefined;
    throw error;
  });

/** What finds no room, because another limit is still to be lowered, is tried once more. */
async function makeRoomFor(tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  const again: (() => Promise<unknown>)[] = [];
  await inParallel(
    tasks.map((task) => async () => {
      try {
        await task();
      } catch (error) {
        if (!(error instanceof JetStreamApiError) || !noRoomFor(error)) throw error;
        again.push(task);
      }
    }),
  );
  try {
    await inParallel(again);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || !noRoomFor(error)) throw error;
    throw new EngineError(
      'Configuration',
      'STORE_TOO_SMALL',
      'The server has not enough room for what this cluster has planned: others have reserved it. Set storage.bytesMax to ' +
        'less, or give the account more.',
      { field: 'storage.bytesMax', cause: error },
    );
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
