/** Journaled decisions over REST against a bare echo of the same payload, in turns, so that drift of the machine cancels. */
import { setTimeout as pause } from 'node:timers/promises';
import { less, more, type Entry, type EntryContext, type Result } from '../entry.js';
import { startEcho, type Echo } from '../support/echo.js';
import { startEngine, type Engine } from '../support/engine.js';
import { flood, paced, type Flood } from '../support/http-load.js';
import { cpuUsOf, descendants, settle } from '../support/processes.js';
import { quantile } from '../support/quantiles.js';
import { CONNECTIONS, consent, decisionBody, userOf } from '../support/workload.js';
import { DECISIONS } from '../support/surfaces.js';

const USERS_PER_CONNECTION = 100;
const USERS = CONNECTIONS * USERS_PER_CONNECTION;
const WARM_UP_SECONDS = 4;
const ROUNDS = 3;
const ROUND_SECONDS = 4;
const PACED_SECONDS = 5;
const HALF = 0.5;
const LATENCY_P95_MS_PROMISED = 25;
const RATIO_PROMISED = 0.6;

const bodiesOf = (connection: number): string[] =>
  Array.from({ length: USERS_PER_CONNECTION }, (_, i) => decisionBody(userOf(connection * USERS_PER_CONNECTION + i)));

const loadOf = (url: string, seconds: number): Promise<Flood> =>
  flood({ url, path: '/v1/decisions', seconds, connections: CONNECTIONS, bodiesOf });

interface Sums {
  answered: number;
  seconds: number;
  cpuUs: number;
  othersUs: Record<string, number>;
}

const sums = (): Sums => ({ answered: 0, seconds: 0, cpuUs: 0, othersUs: {} });

/** One timed round; CPU includes what the server still does about these requests after it has answered them. */
async function round(
  into: Sums,
  server: { url: string; pid: number },
  others: Record<string, number[]>,
): Promise<void> {
  const otherPids = Object.values(others).flat();
  const before = cpuUsOf(server.pid);
  const othersBefore = Object.entries(others).map(([name, pids]) => [name, cpuUsOf(...pids)] as const);
  const { answered, rate } = await loadOf(server.url, ROUND_SECONDS);
  await settle([server.pid, ...otherPids]);
  into.answered += answered;
  into.seconds += answered / rate;
  into.cpuUs += cpuUsOf(server.pid) - before;
  for (const [name, earlier] of othersBefore) {
    into.othersUs[name] = (into.othersUs[name] ?? 0) + cpuUsOf(...others[name]!) - earlier;
  }
}

async function measure(engine: Engine, echo: Echo, { say }: EntryContext): Promise<Result[]> {
  say(`${USERS} users give their consent`);
  await consent(engine.url, USERS);
  say('warm-up');
  await loadOf(echo.url, WARM_UP_SECONDS);
  const { clientUs } = await loadOf(engine.url, WARM_UP_SECONDS);
  // PostgreSQL detaches from whoever starts it; its cost shows in the rate and is not given by itself.
  const others = { nats: descendants(engine.pid, 'nats-server') };
  await settle([engine.pid, ...others.nats]);
  const echoed = sums();
  const decided = sums();
  for (let i = 1; i <= ROUNDS; i++) {
    say(`round ${i} of ${ROUNDS}: ${ROUND_SECONDS} s each of echo and engine`);
    await round(echoed, echo, {});
    await round(decided, engine, others);
  }
  const echoRate = echoed.answered / echoed.seconds;
  const rate = decided.answered / decided.seconds;
  say(`latency at ${Math.round(rate * HALF)} decisions/s; the client takes ${Math.round(clientUs)} µs a request`);
  await pause(500);
  const latenciesMs = await paced({
    url: engine.url,
    path: '/v1/decisions',
    seconds: PACED_SECONDS,
    perSecond: rate * HALF,
    connections: CONNECTIONS,
    body: (n) => decisionBody(userOf((n * 7) % USERS)),
  });
  return [
    more('decisions.rate', rate, 'decisions/s', { target: RATIO_PROMISED * echoRate, limit: echoRate }),
    more('decisions.echo-rate', echoRate, 'requests/s'),
    more('decisions.ratio', rate / echoRate, 'of the echo', { target: RATIO_PROMISED, limit: 1 }),
    less('decisions.cpu', decided.cpuUs / decided.answered, 'µs/decision', { limit: echoed.cpuUs / echoed.answered }),
    less('decisions.echo-cpu', echoed.cpuUs / echoed.answered, 'µs/request'),
    less('decisions.nats-cpu', decided.othersUs['nats']! / decided.answered, 'µs/decision'),
    less('decisions.client-cpu', clientUs, 'µs/request'),
    less('decisions.latency-p50', quantile(latenciesMs, 0.5), 'ms'),
    less('decisions.latency-p95', quantile(latenciesMs, 0.95), 'ms', { target: LATENCY_P95_MS_PROMISED }),
    less('decisions.latency-p99', quantile(latenciesMs, 0.99), 'ms'),
  ];
}

export const decisions: Entry = {
  name: 'decisions',
  about: 'journaled decisions over REST against a bare Fastify echo of the same payload',
  async run(context) {
    const echo = await startEcho();
    const engine = await startEngine({ settings: DECISIONS });
    const results = await measure(engine, echo, context);
    await engine.stop();
    await echo.stop();
    return results;
  },
};
