/** A fresh server with a cluster made on it, and a connection of the engine's. */
import { ensureCluster, type ClusterOptions } from '../../src/actors/nats/bootstrap.js';
import { NatsCluster } from '../../src/actors/nats/cluster.js';
import { connect, type LinkLog, type NatsLink } from '../../src/actors/nats/connection.js';
import { startTestNats, type TestNats } from './nats.js';

export const silentLog: LinkLog = { info: () => undefined, warn: () => undefined };

export interface NatsWorld {
  readonly server: TestNats;
  readonly link: NatsLink;
  readonly cluster: NatsCluster;
  dispose(): Promise<void>;
}

export async function startNatsWorld(
  options: Pick<ClusterOptions, 'partitions' | 'leaseTtlMs'> & Partial<ClusterOptions>,
  log: LinkLog = silentLog,
): Promise<NatsWorld> {
  const server = await startTestNats({
    partitions: options.partitions,
    ...(options.apps === undefined ? {} : { apps: options.apps }),
  });
  try {
    const link = await connect({ ...server.engine, name: 'test', log });
    await ensureCluster(link, { replicas: 1, ...options });
    const cluster = await NatsCluster.open(link, { partitions: options.partitions, replicas: 1, log: silentLog });
    return {
      server,
      link,
      cluster,
      dispose: async () => {
        await link.close();
        await server.dispose();
      },
    };
  } catch (error) {
    await server.dispose();
    throw error;
  }
}

/** Resolves once the connection is as wanted. */
export const linkIs = (world: NatsWorld, up: boolean): Promise<void> =>
  new Promise((resolve) => {
    if (world.link.up === up) return resolve();
    const unwatch = world.link.watch({
      [up ? 'up' : 'down']: () => {
        unwatch();
        resolve();
      },
    });
  });
