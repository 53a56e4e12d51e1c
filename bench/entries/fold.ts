/** How fast a host gets through a backlog: it starts on journals that are full, folds, saves, and serves. */
import { startTestNats } from '../../test/support/nats.js';
import { less, more, type Entry } from '../entry.js';
import { localHost } from '../support/host.js';
import { publishEvents, type NatsEvent } from '../support/nats-load.js';
import { until } from '../support/status.js';
import { natsEvent } from './events.js';

const PARTITIONS = 16;
const RECORDS = 200_000;
const PICKUP_EVERY = 10;
const USERS = 5_000;
const FOLD_PROMISED = 20_000;
const POLL_MS = 5;

/** Every tenth event says where: it goes on to a zone as a record of its own. */
const backlog = (n: number): NatsEvent => {
  if (n % PICKUP_EVERY !== 0) return natsEvent(n);
  const data = { lat: 40.7 + (n % 40) / 1000, lng: -73.99 + (n % 30) / 1000 };
  return { user: natsEvent(n).user, type: 'pickup', id: `n${n}`, data };
};

export const fold: Entry = {
  name: 'fold',
  about: `records that a host folds from a backlog of ${RECORDS} events of ${USERS} users`,
  async run({ say }) {
    const nats = await startTestNats({ partitions: PARTITIONS });
    const local = await localHost({ nats: nats.engine, partitions: PARTITIONS });
    try {
      say(`${RECORDS} events`);
      await publishEvents(nats.app, RECORDS, backlog);
      const foldedSoFar = (): number =>
        local.host.status().partitions.reduce((sum, { counters }) => sum + counters.folded, 0);
      say('the host starts');
      local.host.start();
      await until('the first record is folded', () => foldedSoFar() > 0, POLL_MS);
      const startedMs = performance.now();
      const from = foldedSoFar();
      const cpuBefore = process.cpuUsage();
      await until('the backlog is folded', () => isDone(local.host.status().partitions), POLL_MS);
      const seconds = (performance.now() - startedMs) / 1000;
      const { user, system } = process.cpuUsage(cpuBefore);
      const records = foldedSoFar() - from;
      const { counters } = local.host.status().partitions[0]!;
      if (counters.rejected + counters.poisoned > 0) throw new Error('records of the backlog were not understood');
      return [
        more('fold.rate', records / seconds, 'records/s', { target: FOLD_PROMISED }),
        more('fold.records', records, 'records'),
        less('fold.cpu', (user + system) / records, 'µs/record'),
      ];
    } finally {
      await local.close();
      await nats.dispose();
    }
  },
};

interface Progress {
  readonly phase: string;
  readonly lag: number;
  readonly outputsUnacknowledged: number;
}

const isDone = (partitions: readonly Progress[]): boolean =>
  partitions.length === PARTITIONS &&
  partitions.every((p) => p.phase === 'serving' && p.lag === 0 && p.outputsUnacknowledged === 0);
