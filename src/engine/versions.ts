/** Lets the cluster's write version rise once every live host reads the newer one. */
import { raiseWriteVersion } from '../actors/nats/cluster-constants.js';
import type { NatsCluster } from '../actors/nats/cluster.js';
import type { Logger } from '../kernel/logger.js';

/** Looks once a lease TTL; the returned function ends it. */
export function watchVersions(cluster: NatsCluster, everyMs: number, log: Logger): () => void {
  const timer = setInterval(() => {
    look(cluster).catch((error: unknown) => log.debug('the write version could not be looked at', { error }));
  }, everyMs);
  return () => clearInterval(timer);
}

async function look({ hosts, constants }: NatsCluster): Promise<void> {
  const announced = await Promise.all((await hosts.keys('')).map((key) => hosts.get(key)));
  const reads = announced.map((stored) =>
    stored === undefined
      ? undefined
      : (JSON.parse(Buffer.from(stored.value).toString('utf8')) as { reads?: number }).reads,
  );
  // A host that says nothing of it is older than this rule: it reads the first version.
  await raiseWriteVersion(
    constants,
    reads.map((version) => version ?? 1),
  );
}
