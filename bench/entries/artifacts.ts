/** A policy of many arms goes live beside decisions, again and again: the longest stretch in which the loop did nothing else. */
import { startTestNats } from '../../test/support/nats.js';
import { CONFIG_DEFAULTS } from '../../src/kernel/config/schema.js';
import { less, type Entry } from '../entry.js';
import { startEngine } from '../support/engine.js';
import { getJson, paced } from '../support/http-load.js';
import { outsideLearner, type OutsideLearner } from '../support/outside-learner.js';
import { until } from '../support/status.js';
import { CONNECTIONS, consent, decisionBody, userOf } from '../support/workload.js';

const { partitions: PARTITIONS } = CONFIG_DEFAULTS.cluster;
const ARMS = 20_000;
const VERSIONS = 5;
const USERS = 500;
const DECISIONS_PER_SECOND = 100;
const WARM_UP_SECONDS = 3;
const SECONDS = 12;
const POLL_MS = 5;
const STRETCH_MS_PROMISED = 10;
const LEARNER = { id: 'outside', kind: 'external', surface: 'rider.pickup', policy: 'pickup-thompson' };
const SETTINGS = { surfacesDir: 'bench/config/decisions', learners: [LEARNER] };

/** Each arm liked to its own degree, and no two versions alike. */
const parametersOf = (version: number): unknown => ({
  arms: Object.fromEntries(
    Array.from({ length: ARMS }, (_, i) => [`arm-${i}`, [1 + (i % 97) / 3, version + (i % 89) / 7]]),
  ),
  prior: [1, 1],
});

interface Policies {
  readonly hosts: readonly { readonly policies?: readonly { policyId: string; version?: number }[] }[];
}

async function liveOf(url: string): Promise<number> {
  const { hosts } = await getJson<Policies>(url, '/v1/status');
  const live = hosts.flatMap(({ policies = [] }) => policies).find(({ policyId }) => policyId === LEARNER.policy);
  return live?.version ?? 0;
}

/** Publishes one version, and gives the milliseconds until it decides. */
async function goLive(url: string, learner: OutsideLearner, number: number): Promise<number> {
  const parameters = parametersOf(number);
  const begunMs = performance.now();
  const version = await learner.publish('beta-thompson', parameters);
  await until('the version decides', async () => (await liveOf(url)) >= version, POLL_MS);
  return performance.now() - begunMs;
}

export const artifacts: Entry = {
  name: 'artifacts',
  about: `longest stretch of the event loop while a policy of ${ARMS} arms is published and goes live beside decisions`,
  async run({ say }) {
    const nats = await startTestNats({ partitions: PARTITIONS });
    try {
      const engine = await startEngine({ nats: nats.engine, settings: SETTINGS });
      await consent(engine.url, USERS);
      const learner = await outsideLearner(nats.learner, LEARNER.id);
      const load = {
        url: engine.url,
        path: '/v1/decisions',
        connections: CONNECTIONS,
        perSecond: DECISIONS_PER_SECOND,
        body: (n: number) => decisionBody(userOf(n % USERS)),
      };
      say('warm-up, with a first version');
      await Promise.all([paced({ ...load, seconds: WARM_UP_SECONDS }), goLive(engine.url, learner, 1)]);
      await engine.reset();
      say(`${VERSIONS} versions of ${ARMS} arms beside ${DECISIONS_PER_SECOND} decisions/s`);
      const decided = paced({ ...load, seconds: SECONDS });
      const tookMs: number[] = [];
      for (let version = 2; version < 2 + VERSIONS; version++) tookMs.push(await goLive(engine.url, learner, version));
      const { loopDelayP99Ms, loopDelayMaxMs, gcPauseMaxMs } = await engine.read();
      await decided;
      await learner.close();
      await engine.stop();
      return [
        less('artifacts.stretch', loopDelayMaxMs, 'ms, the longest', { target: STRETCH_MS_PROMISED }),
        less('artifacts.p99', loopDelayP99Ms, 'ms'),
        less('artifacts.gc-pause', gcPauseMaxMs, 'ms, the longest'),
        less('artifacts.live', Math.max(...tookMs), 'ms from the first part sent until it decides, the longest'),
      ];
    } finally {
      await nats.dispose();
    }
  },
};
