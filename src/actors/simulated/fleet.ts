import { seededRandom, type Random } from '../../kernel/random.js';
import type { FoldSettings } from '../../messages/settings.js';
import type { Build } from '../../messages/versions.js';
import { Host } from '../host/host.js';
import type { LeaseValue } from '../keeper/keeper.js';
import type { ActorKind, SharedState } from '../host/actor-kind.js';
import type { HostLimits } from '../host/limits.js';
import type { Protections } from '../host/protections.js';
import { SimulatedProcess, type Timeline } from './clock.js';
import { SimulatedCluster } from './cluster.js';
import { SimulatedConnection, type BreakFate } from './connection.js';
import { appsWith, CrowdWatch, type CrowdPlan } from './crowd.js';
import { isSameOwner, SimulatedKeeper } from './keeper.js';
import type { SimulatedServer } from './server.js';
import type { Upgrade } from './upgrade.js';

/** What the simulated hosts run. */
export interface Cast<Shared> {
  readonly kinds: readonly ActorKind<never, Shared, never>[];
  readonly createShared: () => SharedState<Shared>;
  readonly services: unknown;
  /** Hosts may run this one, too. */
  readonly next?: NextCast<Shared>;
}

/** The same actors in a made-up next build. */
export interface NextCast<Shared> {
  readonly build: Build;
  readonly kinds: readonly ActorKind<never, Shared, never>[];
  /** Under the names of this build, and with the rules of both. */
  readonly plainKinds: readonly ActorKind<never, Shared, never>[];
}

export interface FleetOptions<Shared> {
  readonly server: SimulatedServer;
  readonly cast: Cast<Shared>;
  /** What each start of a host is configured with; all of them agree on the partitions. */
  readonly settings: (start: number) => FoldSettings;
  readonly partitions: number;
  readonly limits: HostLimits;
  readonly leaseTtlMs: number;
  readonly hungAfterMs: number;
  readonly protections: Protections;
  readonly seed: number;
  readonly upgrade: Upgrade;
  /** Hosts know its app, and their folds take their time, where there is one. */
  readonly crowd: CrowdPlan | undefined;
}

/** One start of one host. */
export interface Member<Shared> {
  readonly slot: number;
  readonly process: SimulatedProcess;
  readonly connection: SimulatedConnection;
  readonly keeper: SimulatedKeeper;
  readonly host: Host<Shared>;
  readonly owner: LeaseValue;
  readonly build: Build;
  leaving: boolean;
}

/** From the server's letting a lease go until the look at it. */
const NOTICED_MS = 200;
/** From one host's restart to the next one's. */
const UPGRADE_EVERY_MS = 400;
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Ids as hosts draw them, from a seed. */
export function nonceOf(random: Random): () => string {
  return () => Array.from({ length: 12 }, () => ALPHABET[Math.floor(random.next() * ALPHABET.length)]).join('');
}

/** The hosts of one simulated cluster: slots in which one process after the other runs. */
export class Fleet<Shared> {
  readonly members: (Member<Shared> | undefined)[] = [];
  /** Partitions that a host refused, as it said. */
  readonly refusals: string[] = [];
  /** What a host did in reliance on a lease that was not its own any more, by the server's clock. */
  readonly trespasses: string[] = [];
  /** Leases that a host kept though it had hung for long enough. */
  readonly clung: string[] = [];
  /** Calm users that waited for a crowd. */
  readonly crowded: string[] = [];
  private starts = 0;

  constructor(private readonly options: FleetOptions<Shared>) {}

  get timeline(): Timeline {
    return this.options.server.timeline;
  }

  start(slot: number): void {
    const { server, cast, settings, limits, leaseTtlMs, hungAfterMs, protections, seed, upgrade, crowd } = this.options;
    const start = ++this.starts;
    const name = `host${slot}.${start}`;
    const faults = {
      wallOffsetMs: this.timeline.between(-5_000, 5_000),
      rate: 1 + this.timeline.between(-1e-4, 1e-4),
    };
    const process = new SimulatedProcess(this.timeline, name, faults);
    const connection = new SimulatedConnection(process, server);
    const say = (message: string, fields?: Record<string, unknown>): void => {
      if (fields?.['phase'] === 'refused') this.refusals.push(`${name}: ${String(fields['reason'])}`);
      this.timeline.note(name, `${message} ${JSON.stringify(fields ?? {})}`);
    };
    const owner = { host: `host${slot}`, incarnation: `i${start}` };
    const keeper = new SimulatedKeeper({
      main: process,
      connection,
      faults,
      ttlMs: leaseTtlMs,
      hungAfterMs,
      protections,
    });
    const build = upgrade.drawBuild(this.timeline.nowMs);
    const versions = upgrade.watch(this.timeline.nowMs);
    const { next, ...own } = cast;
    const kinds = build === next?.build ? next.kinds : own.kinds;
    const foldedTo = (partition: number): number | undefined => {
      const status = host.owner(partition)?.status();
      return status?.phase === 'serving' ? status.sequence : undefined;
    };
    const watch = crowd && new CrowdWatch(crowd, process, server, foldedTo, (what) => this.crowded.push(what));
    const host: Host<Shared> = new Host<Shared>({
      hostId: owner.host,
      incarnation: owner.incarnation,
      cluster: new SimulatedCluster(
        connection,
        (partition, what) => {
          const lease = server.leases.tenure(`p.${partition}`, this.timeline.nowMs);
          const epoch = host.owner(partition)?.status().epoch ?? 0;
          if (lease && isSameOwner(lease.value, owner) && lease.sinceRevision <= epoch) return;
          this.trespasses.push(`${name} ${what} of partition ${partition} at ${this.timeline.nowMs}`);
        },
        watch,
      ),
      keeper: keeper.remote,
      ...own,
      kinds: watch ? kinds.map((kind) => watch.slow(kind as never)) : kinds,
      ...(crowd ? { apps: appsWith(crowd) } : {}),
      build,
      versions: () => versions(this.timeline.nowMs),
      settings: settings(start),
      limits,
      leaseTtlMs,
      clock: process.clock,
      nonce: nonceOf(seededRandom(seed * 7919 + start)),
      log: { info: say, warn: say },
      protections,
    });
    this.members[slot] = { slot, process, connection, keeper, host, owner, build, leaving: false };
    this.timeline.note(name, `starts, schema ${build.schema}`);
    process.run(() => host.start());
  }

  /** SIGKILL. */
  kill(slot: number, fate: BreakFate): void {
    const member = this.members[slot];
    if (!member) return;
    this.timeline.note(member.process.name, 'is killed');
    this.members[slot] = undefined;
    member.process.kill();
    member.connection.breakOff(fate);
    member.keeper.kill(fate);
  }

  pause(slot: number): void {
    const member = this.members[slot];
    if (member?.process.status !== 'running') return;
    this.timeline.note(member.process.name, 'is paused');
    member.process.pause();
    member.keeper.process.pause();
  }

  /** The loop of its main thread is busy with something else; its keeper goes on. */
  hang(slot: number): void {
    const member = this.members[slot];
    if (member?.process.status !== 'running') return;
    const { server, leaseTtlMs, hungAfterMs } = this.options;
    const { process, keeper, host } = member;
    const { timeline } = this;
    timeline.note(process.name, 'hangs');
    process.pause();
    const { breaks } = keeper;
    const held = host.status().partitions.map(({ partition, epoch }) => ({ partition, epoch }));
    const resumes = process.resumes;
    const sinceMs = timeline.nowMs;
    timeline.at(timeline.nowMs + hungAfterMs + leaseTtlMs + NOTICED_MS, () => {
      // A message that was held back, by a broken connection or a server that was down, may have renewed it since.
      if (keeper.connection.waitsUntilMs > sinceMs) return;
      if (process.status !== 'paused' || process.resumes !== resumes || keeper.breaks !== breaks) return;
      for (const { partition, epoch } of held) {
        const lease = server.leases.tenure(`p.${partition}`, timeline.nowMs);
        if (lease && lease.sinceRevision <= epoch && isSameOwner(lease.value, member.owner)) {
          this.clung.push(`${process.name} hangs, and holds partition ${partition} at ${timeline.nowMs}`);
        }
      }
    });
  }

  resume(slot: number): void {
    const member = this.members[slot];
    if (member?.process.status !== 'paused') return;
    this.timeline.note(member.process.name, 'goes on');
    member.process.resume();
    member.keeper.process.resume();
  }

  /** Restarts every host of an older build; once there is none, paused ones included, the cluster rises. */
  upgrade(): void {
    const { upgrade } = this.options;
    const { timeline, members } = this;
    const old = members.flatMap((member, slot) => (member && member.build !== upgrade.newest ? [slot] : []));
    for (const slot of old.slice(0, 1)) {
      this.leave(slot, () => {
        if (members[slot] === undefined) this.start(slot);
      });
    }
    if (old.length > 0) return void timeline.at(timeline.nowMs + UPGRADE_EVERY_MS, () => this.upgrade());
    timeline.note('server', 'the cluster rises');
    upgrade.rise(timeline.nowMs);
  }

  /** SIGTERM: the host hands everything over, then its process ends. */
  leave(slot: number, onGone: () => void): void {
    const member = this.members[slot];
    if (!member || member.leaving || member.process.status !== 'running') return onGone();
    member.leaving = true;
    this.timeline.note(member.process.name, 'leaves');
    member.process.run(() => {
      void member.host.leave().then(() => {
        if (this.members[slot] !== member) return;
        this.kill(slot, 'lost');
        onGone();
      });
    });
  }

  slotOf(connection: SimulatedConnection): number {
    return this.members.findIndex((member) => member?.connection === connection);
  }

  /** Whether every partition is served by somebody who has nothing left to do, nor timers that are still to come. */
  isQuiet(withTimers: boolean): boolean {
    const owned = this.members.flatMap((member) => member?.host.status().partitions ?? []);
    return (
      owned.length === this.options.partitions &&
      owned.every(
        (owner) =>
          owner.phase === 'serving' &&
          owner.lag === 0 &&
          owner.recordsInFlight === 0 &&
          owner.outputsUnacknowledged === 0 &&
          (owner.timers === 0 || !withTimers),
      )
    );
  }
}
