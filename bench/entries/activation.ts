/** Users loaded from their snapshots in a real bucket, one at a time and many at once, by a host that has none in memory. */
import { setTimeout as pause } from 'node:timers/promises';
import { startTestNats } from '../../test/support/nats.js';
import { less, more, type Entry } from '../entry.js';
import { localHost, type LocalHost } from '../support/host.js';
import { publishEvents, type NatsEvent } from '../support/nats-load.js';
import { quantile } from '../support/quantiles.js';
import { until } from '../support/status.js';
import { decisionBody, userOf } from '../support/workload.js';

const USERS = 4_000;
const PARTITIONS = 4;
const AT_ONCE = 32;
const EVENTS_EACH = 3;
const P99_MS_PROMISED = 5;

/** Consent, then pickups in different zones. */
const eventOf = (n: number): NatsEvent => {
  const user = userOf(n % USERS);
  if (n < USERS) return { user, type: 'consent.granted', id: `c${n}` };
  return { user, type: 'pickup', id: `p${n}`, data: { lat: 40.7 + (n % 40) / 1000, lng: -73.99 + (n % 30) / 1000 } };
};

const serves = (local: LocalHost): Promise<void> =>
  until('every partition is served and folded', () => {
    const { partitions } = local.host.status();
    return partitions.length === PARTITIONS && partitions.every((p) => p.phase === 'serving' && p.lag === 0);
  });

const activationsOf = (local: LocalHost): number =>
  local.host.status().partitions.reduce((sum, { activations }) => sum + activations, 0);

const user = (n: number) => ({ kind: 'user', token: userOf(n) }) as const;

/** Milliseconds of each user's first request, with so many under way at a time. */
async function firstRequests(local: LocalHost, from: number, to: number, lanes: number): Promise<number[]> {
  const tookMs: number[] = [];
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) {
      const address = user(next++);
      const startedMs = performance.now();
      await local.host.request(address, 'view', {});
      tookMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return tookMs;
}

/** A first tenure that leaves every user saved, with a decision that waits for its reward. */
async function saveUsers(local: LocalHost, publish: () => Promise<unknown>): Promise<void> {
  local.host.start();
  await serves(local);
  await publish();
  await serves(local);
  for (let n = 0; n < USERS; n += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, USERS - n) }, (_, i) =>
        local.host.request(user(n + i), 'decide', JSON.parse(decisionBody(userOf(n + i)))),
      ),
    );
  }
  await local.host.leave();
  await local.close();
}

export const activation: Entry = {
  name: 'activation',
  about: 'from snapshot to answer: users with consent, visited zones and a pending decision',
  async run({ say }) {
    const nats = await startTestNats({ partitions: PARTITIONS });
    const options = { nats: nats.engine, partitions: PARTITIONS, surfacesDir: 'bench/config/decisions' };
    try {
      say(`${USERS} users are made and saved`);
      await saveUsers(await localHost(options), () => publishEvents(nats.app, EVENTS_EACH * USERS, eventOf));
      const local = await localHost(options);
      local.host.start();
      await serves(local);
      const before = activationsOf(local);
      if (before > USERS / 100) throw new Error(`${before} actors are in memory before anybody asked for them`);
      say('one at a time');
      const half = USERS / 2;
      await pause(500);
      const alone = await firstRequests(local, 0, half, 1);
      say(`${AT_ONCE} at once`);
      const startedMs = performance.now();
      const busy = await firstRequests(local, half, USERS, AT_ONCE);
      const seconds = (performance.now() - startedMs) / 1000;
      if (activationsOf(local) < USERS) throw new Error('users were not activated');
      await local.close();
      return [
        less('activation.p50', quantile(alone, 0.5), 'ms'),
        less('activation.p99', quantile(alone, 0.99), 'ms', { target: P99_MS_PROMISED }),
        less('activation.busy-p99', quantile(busy, 0.99), `ms, ${AT_ONCE} at once`),
        more('activation.rate', half / seconds, 'activations/s'),
      ];
    } finally {
      await nats.dispose();
    }
  },
};
