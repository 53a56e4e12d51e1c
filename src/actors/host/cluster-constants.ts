/** What all hosts of a cluster must agree on, kept in the cluster bucket under one key. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { assertSchema, THIS_BUILD, type Build, type ClusterVersions } from '../../messages/versions.js';
import type { KeyValue, Stored } from './ports.js';

const KEY = 'constants';
const TRIES_MAX = 10;

const constantsSchema = z
  .object({
    /** Fixed when the cluster is created: it decides where every actor lives. */
    partitions: z.number().int().min(1),
    /** Schema version that hosts write; rises only when every live host reads it. */
    writeVersion: z.number().int().min(1),
    /** What folds make of records; rises likewise. It counts from the next barrier of each partition on. */
    semantics: z.number().int().min(1).default(1),
    /** Time to live of the leases and hosts buckets. */
    leaseTtlMs: z.number().int().min(1),
  })
  .readonly();
export type ClusterConstants = z.infer<typeof constantsSchema>;

/** The stored constants; the wanted ones are stored where there are none. Of two racing creators one wins for both. */
export async function constantsOrCreate(bucket: KeyValue, wanted: ClusterConstants): Promise<ClusterConstants> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const stored = await bucket.get(KEY);
    if (stored) return parse(stored);
    if ((await bucket.put(KEY, encode(wanted), 0)) !== undefined) return wanted;
  }
  throw contended();
}

/** Throws Configuration `CLUSTER_PARTITIONS_MISMATCH`, `CLUSTER_TOO_NEW` or `DATA_TOO_OLD`. */
export function assertCompatible(constants: ClusterConstants, partitions: number, build: Build = THIS_BUILD): void {
  if (constants.partitions !== partitions) {
    throw new EngineError(
      'Configuration',
      'CLUSTER_PARTITIONS_MISMATCH',
      `This cluster was created with ${constants.partitions} partitions, and the configuration says ${partitions}. ` +
        `Set cluster.partitions to ${constants.partitions}.`,
      { field: 'cluster.partitions' },
    );
  }
  const { writeVersion, semantics } = constants;
  if (writeVersion > build.schema || semantics > build.semantics) {
    throw new EngineError(
      'Configuration',
      'CLUSTER_TOO_NEW',
      `This cluster writes records of version ${writeVersion} with semantics ${semantics}, and this build knows them ` +
        `up to ${build.schema} and ${build.semantics}. Run a newer build.`,
    );
  }
  assertSchema('cluster', writeVersion, build);
}

export const versionsIn = ({ writeVersion, semantics }: ClusterConstants): ClusterVersions => ({
  schema: writeVersion,
  semantics,
});

/** Changes the constants by compare-and-set until it holds; resolves to what is stored then. */
export async function changeConstants(
  bucket: KeyValue,
  change: (current: ClusterConstants) => ClusterConstants,
): Promise<ClusterConstants> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const stored = await bucket.get(KEY);
    if (!stored) throw new EngineError('Dependency', 'CLUSTER_MISSING', 'The cluster has not been created yet.');
    const current = parse(stored);
    const next = change(current);
    if (next === current || (await bucket.put(KEY, encode(next), stored.revision)) !== undefined) return next;
  }
  throw contended();
}

/**
 * Raises the write version and the semantics to the newest that every live host knows, and never lowers them; resolves to
 * those in force. `announced` are those of all live hosts, this one included; with none known nothing changes.
 */
export async function raiseVersions(bucket: KeyValue, announced: readonly ClusterVersions[]): Promise<ClusterVersions> {
  const known = (of: (versions: ClusterVersions) => number): number =>
    announced.length === 0 ? 0 : Math.min(...announced.map(of));
  const constants = await changeConstants(bucket, (current) => {
    const writeVersion = Math.max(
      current.writeVersion,
      known(({ schema }) => schema),
    );
    const semantics = Math.max(
      current.semantics,
      known((versions) => versions.semantics),
    );
    const isRaised = writeVersion > current.writeVersion || semantics > current.semantics;
    return isRaised ? { ...current, writeVersion, semantics } : current;
  });
  return versionsIn(constants);
}

/** The versions in force, as somebody reads them who is no host and raises nothing. */
export async function readVersions(bucket: KeyValue): Promise<ClusterVersions> {
  return versionsIn(await changeConstants(bucket, (current) => current));
}

const encode = (constants: ClusterConstants): Uint8Array => Buffer.from(JSON.stringify(constants), 'utf8');

function parse(stored: Stored): ClusterConstants {
  try {
    return constantsSchema.parse(JSON.parse(Buffer.from(stored.value).toString('utf8')));
  } catch (cause) {
    throw new EngineError(
      'Configuration',
      'CLUSTER_CONSTANTS_DAMAGED',
      'The cluster bucket holds no valid constants.',
      {
        cause,
      },
    );
  }
}

const contended = (): EngineError =>
  new EngineError('Dependency', 'CLUSTER_CONTENDED', 'Too many hosts change the cluster constants at once.', {
    retryAfterMs: 500,
  });
