/** What users weigh while they are activated, and how long the garbage collector stops the engine among so many. */
import { startTestNats } from '../../test/support/nats.js';
import { less, more, type Entry } from '../entry.js';
import { startEngine } from '../support/engine.js';
import { flood } from '../support/http-load.js';
import { publishEvents, type NatsEvent } from '../support/nats-load.js';
import { folded, partitionsOf, saved } from '../support/status.js';
import { CONNECTIONS, consent, decisionBody, userOf } from '../support/workload.js';
import { DECISIONS } from '../support/surfaces.js';

const USERS = 100_000;
const PARTITIONS = 16;
/** Above the number of users: none is passivated while they are counted. */
const ACTIVATIONS_MAX = 2 * USERS;
const WARM_UP_USERS = 2_000;
const WARM_UP_SECONDS = 4;
const TRAFFIC_SECONDS = 8;
const BODIES_PER_CONNECTION = 400;
const BYTES_PROMISED = 4096;
const PAUSE_MS_PROMISED = 50;

const EVENTS_EACH = 2;
/** Consent first, then somewhere a pickup. */
const eventOf = (n: number): NatsEvent => {
  const user = userOf(n % USERS);
  if (n < USERS) return { user, type: 'consent.granted', id: `c${n}` };
  return { user, type: 'pickup', id: `p${n}`, data: { lat: 40.7 + (n % 40) / 1000, lng: -73.99 + (n % 30) / 1000 } };
};

/** Warm-up users are others than those that are counted. */
const warmUpBody = (i: number): string => decisionBody(userOf(USERS + (i % WARM_UP_USERS)));

const activationsOf = async (url: string): Promise<number> =>
  (await partitionsOf(url)).reduce((sum, { activations }) => sum + activations, 0);

export const memory: Entry = {
  name: 'memory',
  about: `${USERS} activated users: resident bytes each, and the longest collector pause under traffic`,
  async run({ say }) {
    const nats = await startTestNats({ partitions: PARTITIONS });
    try {
      const engine = await startEngine({
        nats: nats.engine,
        settings: {
          ...DECISIONS,
          'cluster.partitions': PARTITIONS,
          'limits.activationsMax': ACTIVATIONS_MAX,
        },
      });
      say('warm-up');
      await consent(engine.url, WARM_UP_USERS, USERS);
      const load = { url: engine.url, path: '/v1/decisions', connections: CONNECTIONS };
      const warmUpBodies = (c: number): string[] =>
        Array.from({ length: BODIES_PER_CONNECTION }, (_, i) => warmUpBody(c * BODIES_PER_CONNECTION + i));
      await flood({ ...load, seconds: WARM_UP_SECONDS, bodiesOf: warmUpBodies });
      await folded(engine.url);
      await saved(engine.url);
      const before = await engine.collect();
      const activationsBefore = await activationsOf(engine.url);

      say(`${USERS * EVENTS_EACH} events of ${USERS} users`);
      await publishEvents(nats.app, USERS * EVENTS_EACH, eventOf);
      await folded(engine.url);
      await saved(engine.url);
      const after = await engine.collect();
      const activated = (await activationsOf(engine.url)) - activationsBefore;
      if (activated < USERS) throw new Error(`only ${activated} actors are active`);

      say('traffic on them');
      await engine.reset();
      const stride = Math.floor(USERS / (CONNECTIONS * BODIES_PER_CONNECTION));
      const { rate } = await flood({
        ...load,
        seconds: TRAFFIC_SECONDS,
        bodiesOf: (c) =>
          Array.from({ length: BODIES_PER_CONNECTION }, (_, i) =>
            decisionBody(userOf(stride * (c * BODIES_PER_CONNECTION + i))),
          ),
      });
      const { gcPauseMaxMs, loopDelayMaxMs } = await engine.read();
      await engine.stop();
      return [
        less('memory.resident', (after.rssBytes - before.rssBytes) / activated, 'bytes/user', {
          target: BYTES_PROMISED,
        }),
        less('memory.heap', (after.heapUsedBytes - before.heapUsedBytes) / activated, 'bytes/user'),
        less('memory.process', after.rssBytes / 2 ** 20, `MB, ${USERS} users active`),
        less('memory.gc-pause', gcPauseMaxMs, 'ms, the longest', { target: PAUSE_MS_PROMISED }),
        less('memory.loop-delay', loopDelayMaxMs, 'ms, the longest'),
        more('memory.rate', rate, 'decisions/s meanwhile'),
      ];
    } finally {
      await nats.dispose();
    }
  },
};
