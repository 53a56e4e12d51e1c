/** How long a killed host's partitions stay without an answer. */
import { setTimeout as pause } from 'node:timers/promises';
import { startTestNats } from '../../test/support/nats.js';
import { CONFIG_DEFAULTS } from '../../src/kernel/config/schema.js';
import { partitionOf } from '../../src/kernel/ids.js';
import { less, type Entry } from '../entry.js';
import { startEngine } from '../support/engine.js';
import { postJson } from '../support/http-load.js';
import { hostsOf, until } from '../support/status.js';
import { consent, decisionBody, userOf } from '../support/workload.js';
import { DECISIONS } from '../support/surfaces.js';

const { partitions: PARTITIONS, leaseTtlMs: LEASE_TTL_MS } = CONFIG_DEFAULTS.cluster;
const USERS = 200;
const BEYOND_TTL_MS_PROMISED = 2_000;
const PROBE_EVERY_MS = 20;

/** One user of each partition. */
function delegates(): Map<number, string> {
  const users = new Map<number, string>();
  for (let n = 0; n < USERS; n++) {
    const user = userOf(n);
    const partition = partitionOf(user, PARTITIONS);
    if (!users.has(partition)) users.set(partition, user);
  }
  if (users.size < PARTITIONS) throw new Error('a partition has no user');
  return users;
}

/** Whether the owner itself answers: without it the answer comes from the fallback and says so. */
async function isAnswered(url: string, user: string): Promise<boolean> {
  const { degraded } = await postJson<{ degraded: readonly string[] }>(url, '/v1/decisions', decisionBody(user));
  return !degraded.includes('owner');
}

export const failover: Entry = {
  name: 'failover',
  about: 'from SIGKILL of one of two hosts until each of its partitions answers again',
  async run({ say }) {
    const nats = await startTestNats({ partitions: PARTITIONS });
    try {
      const settings = DECISIONS;
      const [doomed, heir] = await Promise.all([
        startEngine({ role: 'host', nats: nats.engine, settings }),
        startEngine({ role: 'host', nats: nats.engine, settings }),
      ]);
      const gateway = await startEngine({ role: 'gateway', nats: nats.engine, settings });
      say('two hosts share the partitions');
      await until('both hosts serve their share', async () => {
        const views = await hostsOf(gateway.url);
        const shares = views.map(({ partitions = [] }) => partitions.filter(({ phase }) => phase === 'serving').length);
        return shares.length === 2 && shares[0]! > 0 && shares[1]! > 0 && shares[0]! + shares[1]! === PARTITIONS;
      });
      await consent(gateway.url, USERS);
      const users = delegates();
      for (const user of users.values()) {
        if (!(await isAnswered(gateway.url, user))) throw new Error(`${user} is not answered to begin with`);
      }
      const lost = ((await hostsOf(gateway.url)).find(({ host }) => host === doomed.hostId)?.partitions ?? []).map(
        ({ partition }) => partition,
      );
      say(`one is killed; it owned ${lost.length} of ${PARTITIONS} partitions`);
      const killedMs = performance.now();
      await doomed.kill();
      const backMs = await Promise.all(
        lost.map(async (partition) => {
          while (!(await isAnswered(gateway.url, users.get(partition)!))) await pause(PROBE_EVERY_MS);
          return performance.now() - killedMs;
        }),
      );
      await gateway.stop();
      await heir.stop();
      return [
        less('failover.all', Math.max(...backMs), 'ms to the last partition', {
          target: LEASE_TTL_MS + BEYOND_TTL_MS_PROMISED,
        }),
        less('failover.first', Math.min(...backMs), 'ms to the first partition'),
      ];
    } finally {
      await nats.dispose();
    }
  },
};
