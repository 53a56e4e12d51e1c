/** A host in this process, as the engine makes it, so that its fold can be watched from close by. */
import { attach, type Attachment } from '../../src/engine/attachment.js';
import { createHost, type EngineHost } from '../../src/engine/host-role.js';
import { startKeeper } from '../../src/engine/keeper-role.js';
import { loadWorld } from '../../src/engine/world.js';
import { loadConfig } from '../../src/kernel/config/index.js';
import { systemClock } from '../../src/kernel/clock.js';
import { createLogger } from '../../src/kernel/logger.js';
import { FOLD_CONFIG } from '../../src/messages/settings.js';
import { ZoneReplica } from '../../src/actors/replica/zone-replica.js';
import { FaultBook } from '../../src/policies/fault-book.js';

export interface LocalHost {
  readonly host: EngineHost;
  readonly attachment: Attachment;
  close(): Promise<void>;
}

export interface LocalHostOptions {
  readonly nats: { readonly url: string; readonly user: string; readonly pass: string };
  readonly partitions: number;
  /** The default ones if left out. */
  readonly surfacesDir?: string;
}

/** Attached to the cluster, which is made where it is not there yet; the host is not started. */
export async function localHost({ nats, partitions, surfacesDir }: LocalHostOptions): Promise<LocalHost> {
  const env = {
    ATTUNE__cluster__partitions: String(partitions),
    // Learners of the shipped surfaces would have none to learn from.
    ...(surfacesDir === undefined ? {} : { ATTUNE__surfacesDir: surfacesDir, ATTUNE__learners: '[]' }),
  };
  const config = loadConfig({ files: ['config/default.yaml'], env, fold: FOLD_CONFIG });
  const world = loadWorld(config, Date.now());
  const log = createLogger('error');
  const attachment = await attach({
    nats: { url: nats.url, user: nats.user, password: nats.pass },
    name: 'bench-host',
    partitions,
    replicas: 1,
    leaseTtlMs: config.cluster.leaseTtlMs,
    hosts: true,
    apps: config.apps.map(({ name }) => name),
    log,
  });
  const thread = startKeeper({
    config,
    nats: { url: nats.url, user: nats.user, password: nats.pass },
    hostId: 'bench-host',
    attachment,
    log,
  });
  const host = createHost({
    config,
    hostId: 'bench-host',
    world,
    attachment,
    keeper: thread.keeper,
    policies: world.policies,
    zones: new ZoneReplica(systemClock),
    faults: new FaultBook(log),
    log,
    audit: log,
    trimFloor: () => Infinity,
  });
  return {
    host,
    attachment,
    close: async () => {
      host.abort();
      await thread.stop();
      await attachment.link.close();
    },
  };
}
