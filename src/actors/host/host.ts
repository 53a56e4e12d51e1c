/**
 * A process that owns partitions: it announces itself, watches who else is alive, takes the partitions that rendezvous
 * hashing gives it, hands over those it no longer should have, and renews its leases.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { partitionOf } from '../../kernel/ids.js';
import type { FoldSettings } from '../../messages/settings.js';
import { THIS_BUILD, versionsOf, type Build, type ClusterVersions } from '../../messages/versions.js';
import type { ActorAddress, ActorKind, SharedState } from './actor-kind.js';
import { encodeAnnouncement } from './announcement.js';
import { LeaseClaim } from './lease-claim.js';
import type { HostLimits } from './limits.js';
import { PartitionOwner, type OwnerLog, type OwnerStatus } from './partition-owner.js';
import { preferredHost } from './placement.js';
import type { Cluster } from './ports.js';
import { ALL_PROTECTIONS, type Protections } from './protections.js';

export interface HostOptions<Shared> {
  readonly hostId: string;
  /** Unique to this start of the process, `[0-9A-Za-z]+`. */
  readonly incarnation: string;
  readonly cluster: Cluster;
  readonly kinds: readonly ActorKind<never, Shared, never>[];
  readonly createShared: () => SharedState<Shared>;
  /** Handed to every handler as `ctx.services`. */
  readonly services: unknown;
  readonly settings: FoldSettings;
  readonly limits: HostLimits;
  readonly leaseTtlMs: number;
  readonly clock: Clock;
  /** Fresh, unguessable, `[0-9A-Za-z]{8,32}`. */
  readonly nonce: () => string;
  readonly log: OwnerLog;
  readonly protections?: Protections;
  /** This one, where left out. */
  readonly build?: Build;
  /** The cluster's, as far as they are known here; what this build brings, where left out. */
  readonly versions?: () => ClusterVersions;
  readonly trimFloor?: (partition: number) => number;
}

export interface HostStatus {
  readonly host: string;
  readonly hosts: readonly string[];
  readonly partitions: readonly OwnerStatus[];
  /** Partitions that could not be served, and why. */
  readonly refused: Readonly<Record<number, string>>;
}

interface Tenure<Shared> {
  readonly claim: LeaseClaim;
  readonly owner: PartitionOwner<Shared>;
}

/** Announcements, lease renewals and polls happen this often within one lease TTL. */
const BEATS_PER_TTL = 5;
/** A refused partition is tried again after this many TTLs: an operator may have mended it. */
const REFUSED_TTLS = 6;

export class Host<Shared> {
  private readonly tenures = new Map<number, Tenure<Shared>>();
  private readonly opening = new Set<number>();
  private readonly releasing = new Set<number>();
  private readonly refused = new Map<number, { reason: string; untilMs: number }>();
  private readonly kinds: ReadonlyMap<string, ActorKind<never, Shared, never>>;
  private hosts: string[] = [];
  private announcement = 0;
  private cancelBeat: (() => void) | undefined;
  private beating: Promise<void> | undefined;
  private state: 'new' | 'running' | 'leaving' | 'stopped' = 'new';

  private readonly build: Build;

  constructor(private readonly options: HostOptions<Shared>) {
    this.build = options.build ?? THIS_BUILD;
    this.kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]));
  }

  start(): void {
    if (this.state !== 'new') return;
    this.state = 'running';
    this.beat();
  }

  /** Whether this host serves the partition right now. */
  serves(partition: number): boolean {
    return this.tenures.get(partition)?.owner.phase === 'serving';
  }

  get servedPartitions(): number {
    let served = 0;
    for (const { owner } of this.tenures.values()) if (owner.phase === 'serving') served++;
    return served;
  }

  /** Asks an actor of a partition that this host serves; rejects with StaleOwner where it does not. */
  request(address: ActorAddress, verb: string, body: unknown, trace?: string): Promise<unknown> {
    const partition = partitionOf(address.token, this.options.settings.partitions);
    const tenure = this.tenures.get(partition);
    if (!tenure) {
      return Promise.reject(
        new EngineError('StaleOwner', 'STALE_OWNER', 'This host does not own the actor.', { retryAfterMs: 50 }),
      );
    }
    return tenure.owner.request(address, verb, body, trace);
  }

  owner(partition: number): PartitionOwner<Shared> | undefined {
    return this.tenures.get(partition)?.owner;
  }

  status(): HostStatus {
    return {
      host: this.options.hostId,
      hosts: this.hosts,
      partitions: Array.from(this.tenures.values(), ({ owner }) => owner.status()),
      refused: Object.fromEntries(Array.from(this.refused, ([partition, { reason }]) => [partition, reason])),
    };
  }

  /** Hands everything over: withdraws the announcement, releases every partition and its lease. */
  async leave(): Promise<void> {
    if (this.state !== 'running') return;
    this.state = 'leaving';
    this.cancelBeat?.();
    await this.beating;
    await this.options.cluster.hosts.remove(this.options.hostId, this.announcement).catch(() => false);
    // Leases are still renewed while partitions flush, so that nobody takes them over half-way.
    this.cancelBeat?.();
    this.scheduleBeat();
    await Promise.all([...this.tenures.keys()].map((partition) => this.release(partition)));
    this.state = 'stopped';
    this.cancelBeat?.();
  }

  /** Ends at once, as a crash would but for closing what is open. */
  abort(): void {
    this.state = 'stopped';
    this.cancelBeat?.();
    for (const { owner } of this.tenures.values()) owner.stop('aborted');
    this.tenures.clear();
  }

  private scheduleBeat(): void {
    if (this.state === 'stopped') return;
    this.cancelBeat = this.options.clock.after(this.options.leaseTtlMs / BEATS_PER_TTL, () => this.beat());
  }

  private beat(): void {
    this.beating = this.work().finally(() => {
      this.beating = undefined;
      this.scheduleBeat();
    });
  }

  private async work(): Promise<void> {
    const { log } = this.options;
    try {
      await Promise.all([this.renewAll(), this.state === 'running' ? this.announce() : undefined]);
      if (this.state !== 'running') return;
      await this.place();
    } catch (error) {
      log.warn('the cluster is out of reach; trying again', { error: String(error) });
    }
  }

  private async renewAll(): Promise<void> {
    await Promise.all(
      [...this.tenures].map(async ([partition, { claim, owner }]) => {
        let renewed: boolean;
        try {
          renewed = await claim.renew();
        } catch {
          renewed = claim.held;
        }
        if (renewed) return;
        owner.stop('the lease was lost');
        if (this.tenures.get(partition)?.claim === claim) this.tenures.delete(partition);
      }),
    );
  }

  private async announce(): Promise<void> {
    const { cluster, hostId, incarnation } = this.options;
    const value = encodeAnnouncement({ host: hostId, incarnation }, this.build);
    let written = await cluster.hosts.put(hostId, value, this.announcement);
    if (written === undefined) {
      const stored = await cluster.hosts.get(hostId);
      written = await cluster.hosts.put(hostId, value, stored?.revision ?? 0);
    }
    if (written !== undefined) this.announcement = written;
  }

  private async place(): Promise<void> {
    const { cluster, hostId, settings } = this.options;
    this.hosts = (await cluster.hosts.keys('')).sort();
    for (let partition = 0; partition < settings.partitions; partition++) {
      const wanted = preferredHost(partition, this.hosts) === hostId;
      // What it is refused for is now for another host to say.
      if (!wanted) this.refused.delete(partition);
      const tenure = this.tenures.get(partition);
      if (wanted && !tenure) void this.take(partition);
      else if (!wanted && tenure?.owner.phase === 'serving') void this.release(partition);
      // One after the other: only a new tenure's barrier may raise what its records are folded by.
      else if (tenure?.owner.phase === 'serving' && tenure.owner.isBehind(this.versions) && this.releasing.size === 0)
        void this.release(partition);
    }
  }

  private get versions(): ClusterVersions {
    return this.options.versions?.() ?? versionsOf(this.build);
  }

  private async take(partition: number): Promise<void> {
    const { cluster, hostId, incarnation, leaseTtlMs, clock, log } = this.options;
    if (this.opening.has(partition) || this.releasing.has(partition)) return;
    const refused = this.refused.get(partition);
    if (refused && clock.monotonicMs() < refused.untilMs) return;
    this.opening.add(partition);
    try {
      const claim = new LeaseClaim(cluster.leases, `p.${partition}`, { host: hostId, incarnation }, leaseTtlMs, clock);
      if (!(await claim.acquire())) return;
      if (this.state !== 'running') {
        await claim.release();
        return;
      }
      const owner = this.createOwner(partition, claim);
      this.tenures.set(partition, { claim, owner });
      await owner.open();
      this.refused.delete(partition);
    } catch (error) {
      log.warn('a partition could not be opened', { partition, error: String(error) });
    } finally {
      this.opening.delete(partition);
    }
  }

  private createOwner(partition: number, claim: LeaseClaim): PartitionOwner<Shared> {
    const { hostId, cluster, createShared, services, settings, limits, clock, nonce, log, leaseTtlMs } = this.options;
    const owner: PartitionOwner<Shared> = new PartitionOwner<Shared>({
      partition,
      epoch: claim.epoch,
      hostId,
      cluster,
      kinds: this.kinds,
      createShared,
      services,
      settings,
      build: this.build,
      versions: this.versions,
      limits,
      clock,
      nonce,
      log,
      protections: this.options.protections ?? ALL_PROTECTIONS,
      leaseHeld: () => claim.held,
      confirmLease: () => claim.renew(),
      trimFloor: this.options.trimFloor ?? (() => Infinity),
      onEnd: (reason) => {
        if (owner.phase === 'refused') {
          this.refused.set(partition, { reason, untilMs: clock.monotonicMs() + REFUSED_TTLS * leaseTtlMs });
        }
        if (this.tenures.get(partition)?.owner === owner) this.tenures.delete(partition);
        void claim.release().catch(() => undefined);
      },
    });
    return owner;
  }

  private async release(partition: number): Promise<void> {
    const tenure = this.tenures.get(partition);
    if (!tenure || this.releasing.has(partition)) return;
    this.releasing.add(partition);
    try {
      await tenure.owner.release();
      await tenure.claim.release();
    } catch (error) {
      this.options.log.warn('a lease could not be released; it expires by itself', { partition, error: String(error) });
    } finally {
      if (this.tenures.get(partition) === tenure) this.tenures.delete(partition);
      this.releasing.delete(partition);
    }
  }
}
