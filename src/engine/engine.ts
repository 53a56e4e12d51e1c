/** One process of Attune: the parts its role asks for, on one connection, started and stopped in order. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ThreadOpener } from '../actors/artifacts/thread-opener.js';
import { preferredHost } from '../actors/host/placement.js';
import type { ClusterOptions } from '../actors/nats/bootstrap.js';
import { JournalEventIngress } from '../actors/nats/event-ingress.js';
import { NatsZoneFeed } from '../actors/replica/nats-zone-feed.js';
import { openLearnerPorts } from '../actors/learner/nats-learner-ports.js';
import { ZoneReplica, ZONES_MAX } from '../actors/replica/zone-replica.js';
import { createFallbackDecider } from '../actors/user/fallback.js';
import { systemClock } from '../kernel/clock.js';
import { isLoopback } from '../kernel/config/index.js';
import { createLogger, type Logger, type LogLevel } from '../kernel/logger.js';
import { sumOfUnreadable, type UnreadableCounts } from '../kernel/read-json.js';
import { chainDirectories } from '../policies/declared-policies.js';
import type { PolicyRollbacks } from '../policies/registry/artifact-store.js';
import { PolicyRegistry } from '../policies/registry/registry.js';
import { FaultBook } from '../policies/fault-book.js';
import type { FactStore } from '../store/fact-store.js';
import { RoutedActorClient } from './actor-client.js';
import { attach, type Attachment } from './attachment.js';
import { StreamDeadLetters } from './dead-letters.js';
import { ExperienceTrim } from './experience-trim.js';
import { FactsFloor } from './facts-floor.js';
import type { FactsRole } from './facts-role.js';
import { startFactsThread } from './facts-thread.js';
import { createHost, type EngineHost } from './host-role.js';
import { surfaceShape } from '../surfaces/policy-fit.js';
import { ClusterFaults } from './cluster-faults.js';
import { ClusterLearners } from './cluster-learners.js';
import { startKeeper } from './keeper-role.js';
import { declaredLearners, startLearners, type LearnerRole } from './learner-role.js';
import { withPatience } from './patience.js';
import { ClusterStatus, serveStatus } from './status.js';
import type { Declared, World } from './world.js';

export interface EngineOptions {
  /** Checked as a whole before anything was started: what is misconfigured should not join a cluster first. */
  readonly declared: Declared;
  /** Where NATS is; for the role all this may be the embedded server. */
  readonly nats: { readonly url: string; readonly user?: string | undefined; readonly password?: string | undefined };
  /** Undefined: no facts. */
  readonly databaseUrl: string | undefined;
  readonly log: Logger;
  /** Of a start that waits for what it needs: its abort ends that. Left out: the start waits for nothing. */
  readonly signal?: AbortSignal;
}

export interface Engine {
  /** Base URL of the REST API; undefined for roles without a gateway. */
  readonly url: string | undefined;
  readonly hostId: string;
  /** The nats-server this process is on now, as `127.0.0.1:4222`: apps reach actors there. */
  nats(): string;
  /** Graceful: requests under way finish, partitions are flushed and handed over. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Resolves once the process is ready: listening, and serving the partitions that are its to serve. Waits for NATS, and for
 * other processes that start at the same time, where there is a signal. Rejects with nothing left running.
 */
export const startEngine = (options: EngineOptions): Promise<Engine> =>
  options.signal === undefined
    ? startOnce(options)
    : withPatience(() => startOnce(options), { clock: systemClock, log: options.log, signal: options.signal });

async function startOnce(options: EngineOptions): Promise<Engine> {
  const { declared, nats, databaseUrl, log } = options;
  const { config, world } = declared;
  const { role } = config;
  const has = (part: 'gateway' | 'host' | 'learner'): boolean => role === 'all' || role === part;
  const hostId =
    config.cluster.hostId ?? `${hostname().replace(/[^A-Za-z0-9_-]/g, '-')}-${randomBytes(3).toString('hex')}`;
  const { partitions, replicas, leaseTtlMs } = config.cluster;
  const apps = config.apps.map(({ name }) => name);
  const attachment = await attach({
    nats,
    name: hostId,
    partitions,
    replicas,
    leaseTtlMs,
    hosts: has('host'),
    apps,
    log,
    ...retentionOf(config),
  });
  attachment.versions.start();
  const stops: (() => unknown)[] = [() => attachment.link.close(), () => attachment.versions.stop()];
  const stop = once(async () => {
    for (const task of stops.reverse()) await task();
  });
  try {
    const floor = new FactsFloor(attachment.cluster.constants, expectsFacts(options), attachment.link.unreadable, log);
    stops.push(() => floor.stop());
    const zones = new ZoneReplica(systemClock, ZONES_MAX, log);
    const feed = new NatsZoneFeed(attachment.link, attachment.jsm, zones);
    stops.push(() => feed.stop());
    const surfaces = [...world.surfaces.values()].map(surfaceShape);
    const opener = new ThreadOpener({ surfaces, clock: systemClock });
    stops.push(() => opener.stop());
    const learnerPorts = await openLearnerPorts(attachment.link, replicas, systemClock, opener);
    if (has('host') || has('learner')) {
      const trim = new ExperienceTrim({
        jsm: attachment.jsm,
        pointers: learnerPorts.pointers,
        declared: declaredLearners(config.learners),
        keptMs: config.storage.experience.ageMs,
        factsPosition: (identity) => floor.ofExperience(identity),
        clock: systemClock,
        log,
      });
      trim.start();
      stops.push(() => trim.stop());
    }
    const registry = new PolicyRegistry(opener, (status) => log.info('policy', { ...status }));
    stops.push(registry.follow(learnerPorts.artifacts));
    const policies = chainDirectories(registry, world.policies);
    const faults = new FaultBook(log);

    // What serves requests goes last to stop and first to start: the gateway needs the host, learners need neither.
    const store = databaseUrl !== undefined && has('gateway') ? await openFactStore(databaseUrl) : undefined;
    if (store) stops.push(() => store.close());
    const facts: FactsRole | undefined =
      databaseUrl !== undefined && has('learner')
        ? startFactsThread(
            { url: databaseUrl, nats, name: `${hostId}-facts`, partitions, replicas, logLevel: config.log.level },
            log,
          )
        : undefined;
    if (facts) stops.push(() => facts.stop());
    const unreadable = {
      counts: () => sumOfUnreadable(attachment.link.unreadable.counts(), facts?.unreadable() ?? {}),
    };
    const thread = has('host') || has('learner') ? startKeeper({ config, nats, hostId, attachment, log }) : undefined;
    if (thread) stops.push(() => thread.stop());
    let host: EngineHost | undefined;
    if (has('host')) {
      const created = createHost({
        config,
        hostId,
        world,
        attachment,
        keeper: thread!.keeper,
        policies,
        zones,
        faults,
        log,
        audit: auditLog(log, config.log.level),
        trimFloor: (partition) => floor.of(partition),
      });
      host = created;
      created.start();
      stops.push(() => created.leave());
      await readiness(created, partitions);
    }
    const learners: LearnerRole | undefined = has('learner')
      ? await startLearners({
          config,
          hostId,
          attachment,
          keeper: thread!.keeper,
          ports: learnerPorts,
          opener,
          surfaces: world.surfaces,
          log,
        })
      : undefined;
    if (learners) stops.push(() => learners.stop());
    const server = (): string => attachment.link.nc.getServer();
    const parts = (): Record<string, unknown> => ({
      role,
      nats: server(),
      policies: registry.status(),
      facts: facts?.status(),
      learners: learners?.status(),
      zones: zones.size,
      faults: faults.list(),
      unreadable: unreadable.counts(),
    });
    if (host) stops.push(serveStatus(attachment, hostId, host, parts));
    const gateway = has('gateway')
      ? await startGateway({
          options,
          world,
          attachment,
          hostId,
          host,
          parts,
          zones,
          store,
          policies,
          faults,
          unreadable,
          rollbacks: learnerPorts.artifacts,
        })
      : undefined;
    if (gateway) stops.push(() => gateway.close());
    return { url: gateway ? await gateway.getUrl() : undefined, nats: server, hostId, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Gateway and database are most of the code of a process, and take seconds to load where several start: not for a host. */
async function openFactStore(url: string): Promise<FactStore> {
  const { FactStore: Store } = await import('../store/fact-store.js');
  return new Store({ url });
}

/** What the configuration says about how much is kept, and for how long. */
function retentionOf({ storage }: Declared['config']): Partial<ClusterOptions> {
  return {
    storage: {
      bytesMax: storage.bytesMax,
      journalBytesMax: storage.journals.bytesMax,
      snapshotsBytesMax: storage.snapshots.bytesMax,
      experienceBytesMax: storage.experience.bytesMax,
      deadLettersBytesMax: storage.deadLetters.bytesMax,
      stateBytesMax: storage.state.bytesMax,
      artifactsBytesMax: storage.artifacts.bytesMax,
      learnerCheckpointsBytesMax: storage.learnerCheckpoints.bytesMax,
    },
    experienceAgeMaxMs: storage.experience.ageMs,
    deadLetterAgeMaxMs: storage.deadLetters.ageMs,
    stateAgeMaxMs: storage.state.ageMs,
  };
}

/** Whether journals wait for facts. A host cannot tell by itself: the database is another process's. */
const expectsFacts = ({ declared: { config }, databaseUrl }: EngineOptions): boolean =>
  config.storage.facts === 'auto'
    ? config.role !== 'all' || databaseUrl !== undefined
    : config.storage.facts === 'expected';

interface GatewayParts {
  readonly options: EngineOptions;
  readonly world: World;
  readonly attachment: Attachment;
  readonly hostId: string;
  readonly host: EngineHost | undefined;
  readonly parts: () => Record<string, unknown>;
  readonly zones: ZoneReplica;
  readonly store: FactStore | undefined;
  readonly policies: ReturnType<typeof chainDirectories>;
  readonly faults: FaultBook;
  readonly unreadable: { counts(): UnreadableCounts };
  readonly rollbacks: PolicyRollbacks;
}

async function startGateway(made: GatewayParts): Promise<NestFastifyApplication> {
  const { options, world, attachment, hostId, host, parts, zones, store, policies, faults, unreadable, rollbacks } =
    made;
  const { log } = options;
  const { config } = options.declared;
  const { partitions } = config.cluster;
  const actors = new RoutedActorClient({ partitions, clock: systemClock, nc: attachment.link.nc, host: host as never });
  const status = new ClusterStatus(attachment, host && { hostId, host, parts }, partitions);
  const { createGateway } = await import('../gateway/create-gateway.js');
  const app = await createGateway({
    actors,
    ingress: new JournalEventIngress((partition) => attachment.cluster.journal(partition), partitions),
    fallback: createFallbackDecider({
      surfaces: world.surfaces,
      samplingKey: attachment.samplingKey,
      policies,
      faults,
      nowMs: () => Date.now(),
    }),
    status,
    faults: new ClusterFaults(hostId, faults, status),
    unreadable,
    policies: rollbacks,
    clock: systemClock,
    logger: log,
    audit: auditLog(log, config.log.level),
    settings: world.settings,
    surfaces: world.surfaces,
    zones,
    deadLetters: new StreamDeadLetters(attachment, actors),
    learners: new ClusterLearners(config.learners, actors),
    ...(store ? { facts: store.facts } : {}),
    ...(host ? { queues: { collect: () => queueDepths(host) } } : {}),
    options: {
      bodyBytesMax: config.limits.bodyBytesMax,
      connectionsMax: config.limits.connectionsMax,
      connectionsPerAddressMax: config.limits.connectionsPerAddressMax,
      slowClientMs: config.limits.slowClientMs,
      deadlineMs: config.limits.requestDeadlineMs,
      rateLimit: config.rateLimit,
      apps: config.apps.map(({ name, eventsPerSecondMax, eventBytesPerSecondMax }) => ({
        name,
        eventsPerSecondMax,
        eventBytesPerSecondMax,
      })),
      apiKeys: config.auth.apiKeys.map((key) => ({ ...key, scopes: [...key.scopes] })),
      docs: config.http.docs,
      // On loopback no key may be asked for, and whatever a browser on this machine is told to fetch gets here.
      ...(isLoopback(config.http.host) || config.http.allowedHosts.length > 0
        ? { allowedHosts: [...config.http.allowedHosts] }
        : {}),
    },
  });
  await app.listen(config.http.port, config.http.host);
  return app;
}

/** Audit lines are written at every level but `silent`: what was read and done is no matter of taste. */
const auditLog = (log: Logger, level: LogLevel): Logger =>
  (level === 'silent' ? log : createLogger('info')).with({ audit: true });

function queueDepths(host: EngineHost): Record<string, number> {
  const depths = {
    host_requests: 0,
    host_records_in_flight: 0,
    host_outputs_unacknowledged: 0,
    host_lag_records: 0,
    host_activations: 0,
  };
  for (const partition of host.status().partitions) {
    depths.host_requests += partition.requests;
    depths.host_records_in_flight += partition.recordsInFlight;
    depths.host_outputs_unacknowledged += partition.outputsUnacknowledged;
    depths.host_lag_records += partition.lag;
    depths.host_activations += partition.activations;
  }
  return depths;
}

const READY_POLL_MS = 20;
/** A host that joins others, or waits for a dead one's leases, is started all the same. */
const READY_MAX_MS = 15_000;

/** Resolves once the host serves what is its to serve, which among many hosts may be nothing. */
async function readiness(host: EngineHost, partitions: number): Promise<void> {
  const deadline = performance.now() + READY_MAX_MS;
  while (performance.now() < deadline) {
    const { host: self, hosts } = host.status();
    const serves = (partition: number): boolean => preferredHost(partition, hosts) !== self || host.serves(partition);
    if (hosts.includes(self) && Array.from({ length: partitions }, (_, partition) => partition).every(serves)) return;
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
}

function once(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= task());
}
