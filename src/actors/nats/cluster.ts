/** Everything a host needs of one cluster, on one NATS connection. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { buckets } from '../../messages/subjects.js';
import type { Appender, Cluster, Journal, KeeperBuckets, KeyValue, RequestTransport } from '../host/ports.js';
import { AckedPublisher } from './acked-publisher.js';
import { openBucket } from './bootstrap.js';
import type { LinkLog, NatsLink } from './connection.js';
import { NatsAppender, NatsJournal } from './journal.js';
import { dependency, unreachable } from './nats-errors.js';
import { NatsRequestTransport } from './request-transport.js';

const TIMEOUT_MS = 2_000;

export interface NatsClusterOptions {
  readonly partitions: number;
  /** As the cluster was created with; it decides which replica may answer reads. */
  readonly replicas: number;
  readonly log: LinkLog;
}

export class NatsCluster implements Cluster, KeeperBuckets {
  readonly partitions: number;
  readonly leases: KeyValue;
  readonly hosts: KeyValue;
  /** Constants of the cluster; see cluster-constants.ts. */
  readonly constants: KeyValue;
  readonly experience: Appender;
  readonly deadLetters: Appender;
  readonly requests: RequestTransport;
  readonly #journals: readonly Journal[];
  readonly #snapshots: readonly KeyValue[];
  readonly #link: NatsLink;

  private constructor(
    link: NatsLink,
    jsm: JetStreamManager,
    options: NatsClusterOptions,
    publisher: AckedPublisher,
    opened: { leases: KeyValue; hosts: KeyValue; constants: KeyValue; snapshots: readonly KeyValue[] },
  ) {
    this.partitions = options.partitions;
    this.#link = link;
    this.leases = opened.leases;
    this.hosts = opened.hosts;
    this.constants = opened.constants;
    this.#snapshots = opened.snapshots;
    this.#journals = Array.from(
      { length: options.partitions },
      (_, partition) => new NatsJournal(link, jsm, publisher, partition),
    );
    this.experience = new NatsAppender(publisher);
    this.deadLetters = this.experience;
    this.requests = new NatsRequestTransport(link, options.log);
  }

  /** Binds to a cluster that `ensureCluster` has made; asks the server nothing. */
  static async open(link: NatsLink, options: NatsClusterOptions): Promise<NatsCluster> {
    const jsm = await jetstreamManager(link.nc, { timeout: TIMEOUT_MS, checkAPI: false });
    const publisher = new AckedPublisher(link);
    const open = (bucket: string): Promise<KeyValue> => openBucket(link, bucket, options.replicas, publisher);
    const [leases, hosts, constants] = await Promise.all([
      open(buckets.leases),
      open(buckets.hosts),
      open(buckets.cluster),
    ]);
    const snapshots = await Promise.all(
      Array.from({ length: options.partitions }, (_, partition) => open(buckets.snapshots(partition))),
    );
    return new NatsCluster(link, jsm, options, publisher, { leases, hosts, constants, snapshots });
  }

  journal(partition: number): Journal {
    return this.#at(this.#journals, partition);
  }

  snapshots(partition: number): KeyValue {
    return this.#at(this.#snapshots, partition);
  }

  ping(): Promise<void> {
    return pingOf(this.#link);
  }

  #at<T>(list: readonly T[], partition: number): T {
    const found = list[partition];
    if (found === undefined) throw new RangeError(`There is no partition ${partition}.`);
    return found;
  }
}

/** A round trip on this connection, behind everything that was sent before. Rejects with Dependency `NATS_UNREACHABLE`. */
export async function pingOf(link: NatsLink): Promise<void> {
  if (!link.up) throw unreachable('NATS');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unreachable('NATS')), TIMEOUT_MS);
  });
  try {
    await Promise.race([link.nc.flush(), late]);
  } catch (error) {
    throw dependency('NATS', error);
  } finally {
    clearTimeout(timer);
  }
}

/** What a keeper needs of a cluster that `ensureCluster` has made, on a connection of its own. */
export async function openKeeperBuckets(link: NatsLink, replicas: number): Promise<KeeperBuckets> {
  const [leases, hosts] = await Promise.all([
    openBucket(link, buckets.leases, replicas),
    openBucket(link, buckets.hosts, replicas),
  ]);
  return { leases, hosts };
}
