/** A process's tie to its cluster: one connection, the streams and buckets made, the mappings proven. */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { versionsIn } from '../actors/host/cluster-constants.js';
import type { KeyValue } from '../actors/host/ports.js';
import { VersionWatch } from '../actors/host/version-watch.js';
import { ensureCluster, type ClusterOptions } from '../actors/nats/bootstrap.js';
import { NatsCluster } from '../actors/nats/cluster.js';
import { connect, type NatsLink } from '../actors/nats/connection.js';
import { probeMappings } from '../actors/nats/probe.js';
import { systemClock } from '../kernel/clock.js';
import type { Logger } from '../kernel/logger.js';

const SAMPLING_KEY = 'sampling-key';
const SAMPLING_KEY_BYTES = 32;

export interface AttachmentOptions extends ClusterOptions {
  readonly nats: { readonly url: string; readonly user?: string | undefined; readonly password?: string | undefined };
  readonly name: string;
  /** A host runs in this process: then the cluster's versions rise by its looking, too. */
  readonly hosts: boolean;
  readonly apps: readonly string[];
  readonly log: Logger;
}

export interface Attachment {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly cluster: NatsCluster;
  /** Seeds the sampling of slates; made once for the cluster, the same on all its processes. */
  readonly samplingKey: KeyObject;
  readonly versions: VersionWatch;
}

/** The part of an attachment that streams and buckets are reached through. */
export type ClusterAccess = Pick<Attachment, 'link' | 'jsm' | 'cluster'>;

/** Rejects with Configuration errors where server and configuration do not fit, Dependency where it is out of reach. */
export async function attach(options: AttachmentOptions): Promise<Attachment> {
  const { nats, name, hosts, log, ...cluster } = options;
  const { partitions, replicas, leaseTtlMs, apps } = cluster;
  const { user, password } = nats;
  const link = await connect({
    url: nats.url,
    name,
    log,
    ...(user === undefined || password === undefined ? {} : { user, pass: password }),
  });
  try {
    const constants = await ensureCluster(link, cluster);
    await probeMappings(link, partitions, apps);
    const opened = await NatsCluster.open(link, { partitions, replicas, log });
    const jsm = await jetstreamManager(link.nc, { checkAPI: false });
    const versions = new VersionWatch({
      constants: opened.constants,
      hosts: hosts ? opened.hosts : undefined,
      clock: systemClock,
      everyMs: leaseTtlMs,
      versions: versionsIn(constants),
      onFailure: (error) => log.debug('the versions of the cluster could not be looked at', { error }),
    });
    return {
      link,
      jsm,
      cluster: opened,
      samplingKey: createSecretKey(await samplingKeyOf(opened.constants)),
      versions,
    };
  } catch (error) {
    await link.close();
    throw error;
  }
}

async function samplingKeyOf(constants: KeyValue): Promise<Uint8Array> {
  const stored = await constants.get(SAMPLING_KEY);
  if (stored) return stored.value;
  const fresh = randomBytes(SAMPLING_KEY_BYTES);
  if ((await constants.put(SAMPLING_KEY, fresh, 0)) !== undefined) return fresh;
  return samplingKeyOf(constants);
}
