/** The host of a process: the kinds of actors, what they decide with, and the bounds from the configuration. */
import { randomUUID } from 'node:crypto';
import { CampaignLedgerState } from '../actors/campaign/ledger.js';
import { campaignKind } from '../actors/campaign/campaign.kind.js';
import type { ActorKind } from '../actors/host/actor-kind.js';
import { DEFAULT_HOST_LIMITS, Host, type AppsOfHost, type HostLimits } from '../actors/host/index.js';
import type { Keeper } from '../actors/keeper/keeper.js';
import type { DecisionServices } from '../actors/user/services.js';
import { userKind } from '../actors/user/user.kind.js';
import { zoneKind } from '../actors/zone/zone.kind.js';
import { systemClock } from '../kernel/clock.js';
import { EngineError } from '../kernel/errors.js';
import type { Logger } from '../kernel/logger.js';
import type { CampaignLedger } from '../messages/campaigns.js';
import type { FaultSink } from '../policies/fault-book.js';
import type { PolicyDirectory } from '../policies/policy.js';
import { campaignsSource } from '../surfaces/sources/campaigns.js';
import { zonesSource } from '../surfaces/sources/zones.js';
import { demandVerbScopes, VERBS, type Verbs } from '../messages/verbs.js';
import type { ZoneDirectory } from '../messages/zones.js';
import type { Attachment } from './attachment.js';
import type { EngineConfig, World } from './world.js';

export interface HostRoleOptions {
  readonly config: EngineConfig;
  readonly hostId: string;
  readonly world: World;
  readonly attachment: Attachment;
  readonly keeper: Keeper;
  readonly policies: PolicyDirectory;
  readonly zones: ZoneDirectory;
  readonly faults: FaultSink;
  readonly log: Logger;
  readonly audit: Logger;
  readonly trimFloor: (partition: number) => number;
}

export type EngineHost = Host<CampaignLedger>;

export function createHost(options: HostRoleOptions): EngineHost {
  const { config, hostId, world, attachment, keeper, policies, zones, faults, log, audit, trimFloor } = options;
  const services: DecisionServices = {
    surfaces: world.surfaces,
    policies,
    sources: new Map([campaignsSource, zonesSource].map((source) => [source.name, source])),
    zones,
    samplingKey: attachment.samplingKey,
    faults,
  };
  return new Host<CampaignLedger>({
    hostId,
    incarnation: nonce(),
    cluster: attachment.cluster,
    keeper,
    kinds: [userKind('user'), userKind('anon'), zoneKind, campaignKind].map((kind) => scoped(kind as never)) as never,
    createShared: () => new CampaignLedgerState(),
    services,
    settings: world.settings,
    limits: limitsOf(config),
    apps: appsOf(config),
    leaseTtlMs: config.cluster.leaseTtlMs,
    clock: systemClock,
    nonce,
    log,
    audit,
    trimFloor,
    versions: () => attachment.versions.current,
  });
}

type AnyKind = ActorKind<unknown, CampaignLedger, unknown>;

/** The kind, answering the verbs that name a scope and no others; throws Configuration where one names none. */
function scoped(kind: AnyKind): AnyKind {
  const verbs: Verbs = VERBS[kind.kind];
  demandVerbScopes(kind.kind, verbs);
  return {
    ...kind,
    handle(state, verb, request, ctx) {
      if (Object.hasOwn(verbs, verb)) return kind.handle(state, verb, request, ctx);
      const error = new EngineError('NotFound', 'UNKNOWN_VERB', `A ${kind.kind} is not asked to ${verb}.`);
      return { do: 'fail', error: error.toWire() };
    },
  };
}

/** 122 random bits; Node keeps a pool for UUIDs, which is several times faster than asking for bytes each time. */
const nonce = (): string => randomUUID().replaceAll('-', '');

const EVENTS_WAITING_MAX = 500;
const EVENT_BYTES_WAITING_MAX = 4 * 1024 * 1024;

/** An app that is alone delays nobody but itself. */
function appsOf({ apps }: EngineConfig): AppsOfHost {
  const bound = (configured: number | undefined, usual: number): number =>
    (configured ?? (apps.length > 1 ? usual : 0)) || Infinity;
  return new Map(
    apps.map(({ name, eventsWaitingMax, eventBytesWaitingMax }) => [
      name,
      {
        eventsWaitingMax: bound(eventsWaitingMax, EVENTS_WAITING_MAX),
        eventBytesWaitingMax: bound(eventBytesWaitingMax, EVENT_BYTES_WAITING_MAX),
      },
    ]),
  );
}

/** The configured bounds are a process's; a partition's share of activations assumes that it may own all of them. */
function limitsOf({ limits, cluster, storage }: EngineConfig): HostLimits {
  return {
    ...DEFAULT_HOST_LIMITS,
    requestsPerPartitionMax: limits.pendingAppendsMax,
    requestsPerActorMax: limits.mailboxMax,
    activationsPerPartitionMax: Math.max(1, Math.ceil(limits.activationsMax / cluster.partitions)),
    activationIdleMs: limits.activationIdleMs,
    checkpointEveryMs: limits.checkpointIntervalMs,
    checkpointEveryRecords: limits.checkpointRecordsMax,
    checkpointLagRecordsMax: 5 * limits.checkpointRecordsMax,
    outputsUnacknowledgedMax: limits.outputsUnackedMax,
    requestDeadlineMs: limits.requestDeadlineMs,
    poisonShareMax: limits.poisonShareMax,
    retentionMs: storage.journals.ageMs === 0 ? Infinity : storage.journals.ageMs,
  };
}
