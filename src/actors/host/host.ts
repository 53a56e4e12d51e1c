/**
 * A process that owns partitions: it has itself announced, watches who else is alive, takes the partitions that rendezvous
 * hashing gives it, hands over those it no longer should have, and ends what it no longer holds. Its keeper does all writing
 * of leases and announcements.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { partitionOf } from '../../kernel/ids.js';
import { Slices } from '../../kernel/slices.js';
import type { FoldSettings } from '../../messages/settings.js';
import { THIS_BUILD, versionsOf, type Build, type ClusterVersions } from '../../messages/versions.js';
import type { Keeper, Lease } from '../keeper/keeper.js';
import { ENGINE_ASKER, type ActorAddress, type ActorKind, type Asker, type SharedState } from './actor-kind.js';
import type { AppsOfHost } from './app-backlog.js';
import type { RequestAudit } from './wire-request.js';
import { encodeAnnouncement } from './announcement.js';
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
  readonly keeper: Keeper;
  readonly kinds: readonly ActorKind<never, Shared, never>[];
  readonly createShared: () => SharedState<Shared>;
  /** Handed to every handler as `ctx.services`. */
  readonly services: unknown;
  readonly settings: FoldSettings;
  readonly limits: HostLimits;
  /** See PartitionOwnerOptions. */
  readonly apps?: AppsOfHost;
  readonly leaseTtlMs: number;
  readonly clock: Clock;
  /** Fresh, unguessable, `[0-9A-Za-z]{8,32}`. */
  readonly nonce: () => string;
  readonly log: OwnerLog;
  /** See PartitionOwnerOptions. */
  readonly audit?: RequestAudit;
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
  readonly lease: Lease;
  readonly owner: PartitionOwner<Shared>;
}

/** Who is alive, and what is still held, is looked at so often within one lease TTL. */
const BEATS_PER_TTL = 5;
/** However long leases live, what another host has let go is taken soon. */
const BEAT_MS_MAX = 1_000;
/** A refused partition is tried again after this many TTLs: an operator may have mended it. */
const REFUSED_TTLS = 6;

export class Host<Shared> {
  private readonly tenures = new Map<number, Tenure<Shared>>();
  private readonly opening = new Set<number>();
  private readonly releasing = new Set<number>();
  private readonly refused = new Map<number, { reason: string; untilMs: number }>();
  private readonly kinds: ReadonlyMap<string, ActorKind<never, Shared, never>>;
  private hosts: string[] = [];
  private cancelBeat: (() => void) | undefined;
  private beating: Promise<void> | undefined;
  private state: 'new' | 'running' | 'leaving' | 'stopped' = 'new';

  private readonly build: Build;
  private readonly slices: Slices;

  constructor(private readonly options: HostOptions<Shared>) {
    this.build = options.build ?? THIS_BUILD;
    this.slices = new Slices(options.clock, options.limits);
    this.kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]));
  }

  start(): void {
    if (this.state !== 'new') return;
    this.state = 'running';
    const { keeper, hostId, incarnation } = this.options;
    keeper.announce(hostId, encodeAnnouncement({ host: hostId, incarnation }, this.build));
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
  request(address: ActorAddress, verb: string, body: unknown, asker: Asker = ENGINE_ASKER): Promise<unknown> {
    const partition = partitionOf(address.token, this.options.settings.partitions);
    const tenure = this.tenures.get(partition);
    if (!tenure) {
      return Promise.reject(
        new EngineError('StaleOwner', 'STALE_OWNER', 'This host does not own the actor.', { retryAfterMs: 50 }),
      );
    }
    return tenure.owner.request(address, verb, body, asker);
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
    // Leases are still renewed while partitions flush, so that nobody takes them over half-way.
    await this.options.keeper.withdraw();
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
    this.cancelBeat = this.options.clock.after(Math.min(this.options.leaseTtlMs / BEATS_PER_TTL, BEAT_MS_MAX), () =>
      this.beat(),
    );
  }

  private beat(): void {
    this.beating = this.work().finally(() => {
      this.beating = undefined;
      this.scheduleBeat();
    });
  }

  private async work(): Promise<void> {
    this.endLost();
    if (this.state !== 'running') return;
    try {
      await this.place();
    } catch (error) {
      this.options.log.warn('the cluster is out of reach; trying again', { error: String(error) });
    }
  }

  /** What is not held any more is over, also where nobody asks for it. */
  private endLost(): void {
    for (const [partition, { lease, owner }] of this.tenures) {
      if (lease.held) continue;
      owner.stop('the lease was lost');
      this.tenures.delete(partition);
      void lease.release().catch(() => undefined);
    }
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
    const { keeper, hostId, incarnation, clock, log } = this.options;
    if (this.opening.has(partition) || this.releasing.has(partition)) return;
    const refused = this.refused.get(partition);
    if (refused && clock.monotonicMs() < refused.untilMs) return;
    this.opening.add(partition);
    try {
      const owner = { host: hostId, incarnation };
      const lease = await keeper.acquire({ key: `p.${partition}`, owner, renewal: 'progress' });
      if (lease) await this.serve(partition, lease);
    } catch (error) {
      log.warn('a partition could not be opened', { partition, error: String(error) });
    } finally {
      this.opening.delete(partition);
    }
  }

  private async serve(partition: number, lease: Lease): Promise<void> {
    // A lease may have been given late, to a host that is leaving or has hung in between.
    if (this.state !== 'running' || !lease.held) return lease.release();
    const owner = this.createOwner(partition, lease);
    lease.provenBy((passed) => owner.probe(passed));
    this.tenures.set(partition, { lease, owner });
    await owner.open();
    this.refused.delete(partition);
  }

  private createOwner(partition: number, lease: Lease): PartitionOwner<Shared> {
    const { hostId, cluster, createShared, services, settings, limits, clock, nonce, log, leaseTtlMs } = this.options;
    const owner: PartitionOwner<Shared> = new PartitionOwner<Shared>({
      partition,
      epoch: lease.epoch,
      hostId,
      cluster,
      kinds: this.kinds,
      createShared,
      services,
      settings,
      build: this.build,
      versions: this.versions,
      limits,
      apps: this.options.apps,
      clock,
      nonce,
      log,
      audit: this.options.audit,
      protections: this.options.protections ?? ALL_PROTECTIONS,
      slices: this.slices,
      leaseHeld: () => lease.held,
      confirmLease: (epoch) => lease.confirm(epoch),
      trimFloor: this.options.trimFloor ?? (() => Infinity),
      onEnd: (reason) => {
        if (owner.phase === 'refused') {
          this.refused.set(partition, { reason, untilMs: clock.monotonicMs() + REFUSED_TTLS * leaseTtlMs });
        }
        if (this.tenures.get(partition)?.owner === owner) this.tenures.delete(partition);
        void lease.release().catch(() => undefined);
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
      await this.within(tenure.lease.release());
    } catch (error) {
      this.options.log.warn('a lease could not be released; it expires by itself', { partition, error: String(error) });
    } finally {
      if (this.tenures.get(partition) === tenure) this.tenures.delete(partition);
      this.releasing.delete(partition);
    }
  }

  /** A keeper that does not answer must not keep a host from leaving: the lease runs out by itself. */
  private within(release: Promise<void>): Promise<void> {
    const { clock, limits } = this.options;
    return new Promise((resolve, reject) => {
      const cancel = clock.after(limits.releaseMs, () => reject(new Error('the keeper does not answer')));
      release.then(resolve, reject).finally(cancel);
    });
  }
}
