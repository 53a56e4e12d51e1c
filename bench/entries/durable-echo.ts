/** What is in the way of decisions at least: the bare echo against the same with a journal behind it, in turns. */
import { startNatsWorld } from '../../test/support/nats-world.js';
import { more, type Entry } from '../entry.js';
import { startDurableEcho, startEcho } from '../support/echo.js';
import { flood } from '../support/http-load.js';
import { CONNECTIONS, decisionBody, userOf } from '../support/workload.js';

const PARTITIONS = 16;
const LEASE_TTL_MS = 5_000;
const USERS_PER_CONNECTION = 100;
const ROUNDS = 3;
const ROUND_SECONDS = 4;

const loadOf = async (url: string): Promise<number> => {
  const { rate } = await flood({
    url,
    path: '/v1/decisions',
    seconds: ROUND_SECONDS,
    connections: CONNECTIONS,
    bodiesOf: (connection) =>
      Array.from({ length: USERS_PER_CONNECTION }, (_, i) =>
        decisionBody(userOf(connection * USERS_PER_CONNECTION + i)),
      ),
  });
  return rate;
};

export const durableEcho: Entry = {
  name: 'durable-echo',
  about:
    'a bare Fastify with journals behind it and nothing else against one without: the limit of the decisions entry',
  async run({ say }) {
    const world = await startNatsWorld({ partitions: PARTITIONS, leaseTtlMs: LEASE_TTL_MS });
    const echo = await startEcho();
    const durable = await startDurableEcho(world.server.engine, PARTITIONS);
    try {
      say('warm-up');
      await loadOf(echo.url);
      await loadOf(durable.url);
      let [bare, journaled] = [0, 0];
      for (let i = 1; i <= ROUNDS; i++) {
        say(`round ${i} of ${ROUNDS}: ${ROUND_SECONDS} s each`);
        bare += (await loadOf(echo.url)) / ROUNDS;
        journaled += (await loadOf(durable.url)) / ROUNDS;
      }
      return [
        more('durable-echo.rate', journaled, 'requests/s', { limit: bare }),
        more('durable-echo.ratio', journaled / bare, 'of the echo', { limit: 1 }),
      ];
    } finally {
      await durable.stop();
      await echo.stop();
      await world.dispose();
    }
  },
};
