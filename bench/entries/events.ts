/** Event ingestion: validated, durable, every acknowledgement checked, while the same engine folds what comes in. */
import { startTestNats } from '../../test/support/nats.js';
import { less, more, type Entry } from '../entry.js';
import { startEngine } from '../support/engine.js';
import { publishEvents, type NatsEvent } from '../support/nats-load.js';
import { cpuUsOf } from '../support/processes.js';
import { folded } from '../support/status.js';
import { BATCH, cloudEvent, sendEvents, userOf } from '../support/workload.js';

const PARTITIONS = 16;
const USERS = 5_000;
const TYPES = ['impression', 'click', 'accept', 'dwell', 'trip.started'] as const;
const REST_EVENTS = 60_000;
const REST_WARM_UP = 10_000;
const REST_LANES = 8;
const NATS_EVENTS = 100_000;
const NATS_WARM_UP = 20_000;

const REST_PROMISED = 20_000;
const NATS_PROMISED = 30_000;

const typeOf = (n: number): string => TYPES[n % TYPES.length]!;

const restEvents = (from: number, count: number): Record<string, unknown>[] =>
  Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return cloudEvent({ id: `e${n}`, type: typeOf(n), user: userOf(n % USERS), data: { value: n % 7 } });
  });

export const natsEvent = (n: number): NatsEvent => ({
  user: userOf(n % USERS),
  type: typeOf(n),
  id: `n${n}`,
  data: { value: n % 7 },
});

export const eventsRest: Entry = {
  name: 'events-rest',
  about: `events in REST batches of ${BATCH}, into an engine that folds them`,
  async run({ say }) {
    const engine = await startEngine();
    say('warm-up');
    await sendEvents(engine.url, restEvents(0, REST_WARM_UP), REST_LANES);
    await folded(engine.url);
    const events = restEvents(REST_WARM_UP, REST_EVENTS);
    say(`${REST_EVENTS} events`);
    const cpuBefore = cpuUsOf(engine.pid);
    const clientBefore = process.cpuUsage();
    const startedMs = performance.now();
    await sendEvents(engine.url, events, REST_LANES);
    const seconds = (performance.now() - startedMs) / 1000;
    const client = process.cpuUsage(clientBefore);
    say('fold of the rest');
    await folded(engine.url);
    const cpuUs = cpuUsOf(engine.pid) - cpuBefore;
    await engine.stop();
    return [
      more('events-rest.rate', REST_EVENTS / seconds, 'events/s', { target: REST_PROMISED }),
      less('events-rest.cpu', cpuUs / REST_EVENTS, 'µs/event, folded'),
      less('events-rest.client-cpu', (client.user + client.system) / REST_EVENTS, 'µs/event'),
    ];
  },
};

export const eventsNats: Entry = {
  name: 'events-nats',
  about: 'events over NATS through the mappings as an app sends them; the limit is the same with nobody folding',
  async run({ say }) {
    const nats = await startTestNats({ partitions: PARTITIONS });
    try {
      const engine = await startEngine({
        role: 'host',
        nats: nats.engine,
        settings: { 'cluster.partitions': PARTITIONS },
      });
      say('warm-up');
      await publishEvents(nats.app, NATS_WARM_UP, natsEvent);
      say(`${NATS_EVENTS} events, folded by a host on this machine meanwhile`);
      const seconds = await publishEvents(nats.app, NATS_EVENTS, (n) => natsEvent(NATS_WARM_UP + n));
      await engine.kill();
      say(`${NATS_EVENTS} events, the host stopped`);
      const alone = await publishEvents(nats.app, NATS_EVENTS, (n) => natsEvent(NATS_WARM_UP + NATS_EVENTS + n));
      const limit = NATS_EVENTS / alone;
      return [
        more('events-nats.rate', NATS_EVENTS / seconds, 'events/s', { target: NATS_PROMISED, limit }),
        more('events-nats.alone-rate', limit, 'events/s'),
      ];
    } finally {
      await nats.dispose();
    }
  },
};
