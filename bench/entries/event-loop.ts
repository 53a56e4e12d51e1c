/** The engine's event loop while a learner trains on what the engine itself produces. */
import { less, more, type Entry } from '../entry.js';
import { startEngine } from '../support/engine.js';
import { paced } from '../support/http-load.js';
import { hostsOf, until } from '../support/status.js';
import { CONNECTIONS, consent, decisionBody, userOf } from '../support/workload.js';

const USERS = 2_000;
const DECISIONS_PER_SECOND = 400;
const WARM_UP_SECONDS = 3;
const SECONDS = 8;
const P99_MS_PROMISED = 20;

/** Only the learner whose surface the bench declares. */
export const LOOP_SETTINGS = {
  surfacesDir: 'bench/config/loop',
  learners: [{ id: 'pickup', kind: 'beta-thompson', surface: 'rider.pickup', policy: 'pickup-thompson' }],
} as const;

export const learnedOf = async (url: string): Promise<number> =>
  (await hostsOf(url)).flatMap(({ learners = [] }) => learners).reduce((sum, { learned }) => sum + learned, 0);

export const eventLoop: Entry = {
  name: 'event-loop',
  about: 'event loop delay while decisions close at once and a learner trains on them',
  async run({ say }) {
    const engine = await startEngine({ settings: LOOP_SETTINGS });
    await consent(engine.url, USERS);
    const load = {
      url: engine.url,
      path: '/v1/decisions',
      perSecond: DECISIONS_PER_SECOND,
      connections: CONNECTIONS,
      body: (n: number) => decisionBody(userOf(n % USERS)),
    };
    say('warm-up, until the learner learns');
    await paced({ ...load, seconds: WARM_UP_SECONDS });
    await until('the learner learns', async () => (await learnedOf(engine.url)) > 0);
    await engine.reset();
    const learnedBefore = await learnedOf(engine.url);
    say(`${SECONDS} s at ${DECISIONS_PER_SECOND} decisions/s`);
    await paced({ ...load, seconds: SECONDS });
    const { loopDelayP99Ms, loopDelayMaxMs, gcPauseMaxMs } = await engine.read();
    const learned = (await learnedOf(engine.url)) - learnedBefore;
    await engine.stop();
    if (learned === 0) throw new Error('the learner did not learn while the loop was watched');
    return [
      less('event-loop.p99', loopDelayP99Ms, 'ms', { target: P99_MS_PROMISED }),
      less('event-loop.max', loopDelayMaxMs, 'ms'),
      less('event-loop.gc-pause', gcPauseMaxMs, 'ms, the longest'),
      more('event-loop.learned', learned / SECONDS, 'experiences/s'),
    ];
  },
};
