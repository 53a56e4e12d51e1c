/** What comes now and then while decisions go on: the longest stretch in which the engine's loop did nothing else. */
import { less, type Entry } from '../entry.js';
import { startEngine } from '../support/engine.js';
import { flood, paced } from '../support/http-load.js';
import { quantile } from '../support/quantiles.js';
import { CONNECTIONS, consent, decisionBody, userOf } from '../support/workload.js';

/** So many actors of a checkpoint are dirty that saving them in one go would show. */
const USERS = 8_000;
const DECISIONS_PER_SECOND = 400;
const WARM_UP_SECONDS = 3;
const SECONDS = 15;
const FULL_RATE_SECONDS = 4;
const HALF = 0.5;
const STRETCH_MS_PROMISED = 10;
const P95_MS_PROMISED = 25;
/** Several of each partition's checkpoints fall into the time that is watched. */
const SETTINGS = {
  surfacesDir: 'bench/config/decisions',
  // Those of the shipped surfaces would have none to learn from.
  learners: [],
  'limits.checkpointIntervalMs': 3_000,
  'limits.activationIdleMs': 5_000,
};

export const stretches: Entry = {
  name: 'stretches',
  about: 'longest stretch of the event loop while checkpoints, passivation and broadcasts go on beside decisions',
  async run({ say }) {
    const engine = await startEngine({ settings: SETTINGS });
    say(`${USERS} users give their consent`);
    await consent(engine.url, USERS);
    const load = {
      url: engine.url,
      path: '/v1/decisions',
      connections: CONNECTIONS,
      body: (n: number) => decisionBody(userOf((n * 7) % USERS)),
    };
    say('warm-up');
    await paced({ ...load, perSecond: DECISIONS_PER_SECOND, seconds: WARM_UP_SECONDS });
    await engine.reset();
    say(`${SECONDS} s at ${DECISIONS_PER_SECOND} decisions/s`);
    await paced({ ...load, perSecond: DECISIONS_PER_SECOND, seconds: SECONDS });
    const { loopDelayP99Ms, loopDelayMaxMs, gcPauseMaxMs } = await engine.read();
    say('the full rate, and then half of it');
    const bodiesOf = (connection: number): string[] =>
      Array.from({ length: 100 }, (_, i) => decisionBody(userOf(connection * 100 + i)));
    const { rate } = await flood({
      url: engine.url,
      path: '/v1/decisions',
      seconds: FULL_RATE_SECONDS,
      connections: CONNECTIONS,
      bodiesOf,
    });
    const latenciesMs = await paced({ ...load, perSecond: rate * HALF, seconds: SECONDS });
    await engine.stop();
    return [
      less('stretches.max', loopDelayMaxMs, 'ms, the longest', { target: STRETCH_MS_PROMISED }),
      less('stretches.p99', loopDelayP99Ms, 'ms'),
      less('stretches.gc-pause', gcPauseMaxMs, 'ms, the longest'),
      less('stretches.latency-p95', quantile(latenciesMs, 0.95), 'ms at half the full rate', {
        target: P95_MS_PROMISED,
      }),
    ];
  },
};
