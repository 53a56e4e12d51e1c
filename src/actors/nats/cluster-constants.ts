/** What all hosts of a cluster must agree on, kept in the cluster bucket under one key. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { RECORD_VERSION } from '../../messages/records.js';
import type { KeyValue, Stored } from '../host/ports.js';

const KEY = 'constants';
const TRIES_MAX = 10;

const constantsSchema = z
  .object({
    /** Fixed when the cluster is created: it decides where every actor lives. */
    partitions: z.number().int().min(1),
    /** Schema version that hosts write; rises only when every live host reads it. */
    writeVersion: z.number().int().min(1),
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

/** Throws Configuration `CLUSTER_PARTITIONS_MISMATCH` or `CLUSTER_TOO_NEW`. */
export function assertCompatible(constants: ClusterConstants, partitions: number): void {
  if (constants.partitions !== partitions) {
    throw new EngineError(
      'Configuration',
      'CLUSTER_PARTITIONS_MISMATCH',
      `This cluster was created with ${constants.partitions} partitions, and the configuration says ${partitions}. ` +
        `Set cluster.partitions to ${constants.partitions}.`,
      { field: 'cluster.partitions' },
    );
  }
  if (constants.writeVersion > RECORD_VERSION) {
    throw new EngineError(
      'Configuration',
      'CLUSTER_TOO_NEW',
      `This cluster writes records of version ${constants.writeVersion}, and this build reads up to ` +
        `${RECORD_VERSION}. Run a newer build.`,
    );
  }
}

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
 * Raises the write version to the newest that every live host reads, and never lowers it; resolves to the version in
 * force. `readVersions` are those of all live hosts, this one included; with none known nothing changes.
 */
export async function raiseWriteVersion(bucket: KeyValue, readVersions: readonly number[]): Promise<number> {
  const newest = readVersions.length === 0 ? 0 : Math.min(...readVersions);
  const constants = await changeConstants(bucket, (current) =>
    newest > current.writeVersion ? { ...current, writeVersion: newest } : current,
  );
  return constants.writeVersion;
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
