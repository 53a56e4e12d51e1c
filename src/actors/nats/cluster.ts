/** Everything a host needs of one cluster, on one NATS connection. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { buckets, streams } from '../../messages/subjects.js';
import type { Appender, Cluster, Journal, KeeperBuckets, KeyValue, RequestTransport } from '../host/ports.js';
import { AckedPublisher } from './acked-publisher.js';
import { openBucket } from './bootstrap.js';
import type { LinkLog, NatsLink } from './connection.js';
import { NatsAppender, NatsJournal } from './journal.js';
import { dependency, unreachable } from './nats-errors.js';
import { NatsRequestTransport } from './request-transport.js';
import { readPlan, type StorePlanOfApps } from './store-room.js';

const TIMEOUT_MS = 2_000;
const PLAN_LOOK_MS = 60_000;
const EXPERIENCE_LOOK_MS = 500;

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
  readonly #jsm: JetStreamManager;
  #plan: { readonly plan: Promise<StorePlanOfApps>; readonly atMs: number } | undefined;
  /** All partitions write to it, so one look a moment serves them all. */
  #experienceUse: { readonly share: Promise<number>; readonly atMs: number } | undefined;

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
      (_, partition) => new NatsJournal(link, jsm, publisher, partition, () => this.#storePlan()),
    );
    this.#jsm = jsm;
    this.experience = new NatsAppender(publisher);
    this.deadLetters = this.experience;
    this.requests = new NatsRequestTransport(link, options.log, publisher);
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

  async pressure(partition: number): Promise<number> {
    const nowMs = performance.now();
    if (this.#experienceUse === undefined || nowMs - this.#experienceUse.atMs > EXPERIENCE_LOOK_MS) {
      this.#experienceUse = { share: this.#useOf(streams.experience), atMs: nowMs };
    }
    const shares = await Promise.all([this.#useOf(`KV_${buckets.snapshots(partition)}`), this.#experienceUse.share]);
    return Math.max(...shares);
  }

  /** Of a stream's limit, 0 to 1; what has none is never full. Rejects with Dependency errors. */
  async #useOf(stream: string): Promise<number> {
    try {
      const { config, state } = await this.#jsm.streams.info(stream);
      return config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;
    } catch (error) {
      throw dependency(`The stream ${stream}`, error);
    }
  }

  /** The plan in force; it may be changed by a process that starts with other settings. */
  #storePlan(): Promise<StorePlanOfApps> {
    const nowMs = performance.now();
    if (this.#plan === undefined || nowMs - this.#plan.atMs > PLAN_LOOK_MS) {
      const plan = readPlan(this.constants);
      // A look that failed is not the answer for the rest of the minute.
      plan.catch(() => (this.#plan = undefined));
      this.#plan = { plan, atMs: nowMs };
    }
    return this.#plan.plan;
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
