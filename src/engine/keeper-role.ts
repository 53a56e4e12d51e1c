/** The keeper of a process that owns partitions or learners. */
import { startKeeperThread, type KeeperThread } from '../actors/nats/keeper-thread.js';
import { hungAfterMsOf } from '../kernel/config/schema.js';
import { systemClock } from '../kernel/clock.js';
import type { EngineError } from '../kernel/errors.js';
import type { Logger } from '../kernel/logger.js';
import type { Attachment } from './attachment.js';
import type { EngineConfig } from './world.js';

export interface KeeperRoleOptions {
  readonly config: EngineConfig;
  readonly nats: { readonly url: string; readonly user?: string | undefined; readonly password?: string | undefined };
  readonly hostId: string;
  readonly attachment: Attachment;
  readonly log: Logger;
}

/** Of a learner in another process both its own lease and that of the desk which serves it may be held here. */
const LEASES_PER_LEARNER = 2;
/** A lease whose end is under way and the next one of its key are two. */
const LEASES_PER_KEY = 2;

export function startKeeper({ config, nats, hostId, attachment, log }: KeeperRoleOptions): KeeperThread {
  const { cluster, learners } = config;
  return startKeeperThread({
    nats,
    name: `${hostId}-keeper`,
    replicas: cluster.replicas,
    leaseTtlMs: cluster.leaseTtlMs,
    hungAfterMs: hungAfterMsOf(cluster),
    leasesMax: LEASES_PER_KEY * (cluster.partitions + LEASES_PER_LEARNER * learners.length),
    ping: () => attachment.cluster.ping(),
    clock: systemClock,
    logLevel: config.log.level,
    log,
    onFatal: (error) => endLoudly(error, log),
  });
}

/** Nobody can answer for what this process would go on doing: whoever runs it starts it again. */
function endLoudly(error: EngineError, log: Logger): void {
  log.error(error.message, { code: error.code });
  process.exit(1);
}
