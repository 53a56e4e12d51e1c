/** Decision latency with and without a DQN that trains in the same process, in turns, so that drift of the machine cancels. */
import { less, more, type Entry, type EntryContext, type Result } from '../entry.js';
import { startEngine, type Engine } from '../support/engine.js';
import { paced } from '../support/http-load.js';
import { hostsOf, until } from '../support/status.js';
import { quantile } from '../support/quantiles.js';
import { CONNECTIONS, consent, decisionBody, userOf } from '../support/workload.js';

/** Each comes again within five seconds: what followed a decision is known soon. */
const USERS = 1_000;
const DECISIONS_PER_SECOND = 200;
const WARM_UP_SECONDS = 8;
/** A round has a dozen requests beyond its 99th percentile, and the machine's own moods are as long as a round. */
const ROUNDS = 12;
const ROUND_SECONDS = 6;
const RATIO_PROMISED = 1.5;
const CANDIDATES = 10;
/** Numbers of an observation, as bench/config/training declares them. */
const OBSERVATION_SIZE = 11;

const LEARNER = {
  id: 'pickup-dqn',
  kind: 'dqn',
  surface: 'rider.pickup',
  policy: 'pickup-dqn',
  config: {
    actions: Array.from({ length: CANDIDATES }, (_, i) => `door-${i}`),
    observation: { size: OBSERVATION_SIZE },
    hidden: [64, 64],
    batchSize: 64,
    warmup: 64,
    trainEvery: 1,
    gradientSteps: 1,
  },
} as const;

const settingsWith = (learners: readonly unknown[]) => ({ surfacesDir: 'bench/config/training', learners });

const learnerOf = async ({ url }: Engine): Promise<{ learned: number; lag: number } | undefined> =>
  (await hostsOf(url)).flatMap(({ learners = [] }) => learners)[0];

const load = (engine: Engine, seconds: number): Promise<number[]> =>
  paced({
    url: engine.url,
    path: '/v1/decisions',
    seconds,
    perSecond: DECISIONS_PER_SECOND,
    connections: CONNECTIONS,
    body: (n) => decisionBody(userOf(n % USERS)),
  });

/** A round of its load, and until it has learned all of it: the next round is the other engine's alone. */
async function trainingRound(engine: Engine): Promise<{ latenciesMs: number[]; learned: number }> {
  const before = (await learnerOf(engine))?.learned ?? 0;
  const latenciesMs = await load(engine, ROUND_SECONDS);
  const learned = ((await learnerOf(engine))?.learned ?? 0) - before;
  await caughtUp(engine);
  return { latenciesMs, learned };
}

/** Twice in a row the same, and nothing behind: windows that are still open have closed by then. */
async function caughtUp(engine: Engine): Promise<void> {
  let last = -1;
  await until(
    'the learner has learned everything',
    async () => {
      const { learned = 0, lag = 0 } = (await learnerOf(engine)) ?? {};
      const settled = lag === 0 && learned === last;
      last = learned;
      return settled;
    },
    1_500,
  );
}

async function measure(still: Engine, training: Engine, { say }: EntryContext): Promise<Result[]> {
  for (const engine of [still, training]) await consent(engine.url, USERS);
  say('warm-up, until the DQN trains');
  await load(still, WARM_UP_SECONDS);
  await load(training, WARM_UP_SECONDS);
  await until('the DQN trains', async () => ((await learnerOf(training))?.learned ?? 0) > LEARNER.config.warmup);
  await caughtUp(training);
  const without: number[] = [];
  const withIt: number[] = [];
  let learned = 0;
  for (let i = 1; i <= ROUNDS; i++) {
    say(`round ${i} of ${ROUNDS}: ${ROUND_SECONDS} s each without and with training`);
    without.push(...(await load(still, ROUND_SECONDS)));
    const round = await trainingRound(training);
    withIt.push(...round.latenciesMs);
    learned += round.learned;
  }
  if (learned === 0) throw new Error('the DQN did not train while latency was measured');
  const [p99Without, p99With] = [quantile(without, 0.99), quantile(withIt, 0.99)];
  return [
    less('training-latency.ratio', p99With / p99Without, 'P99 with training to without', { target: RATIO_PROMISED }),
    less('training-latency.p99-with', p99With, 'ms'),
    less('training-latency.p99-without', p99Without, 'ms'),
    less('training-latency.p50-with', quantile(withIt, 0.5), 'ms'),
    less('training-latency.p50-without', quantile(without, 0.5), 'ms'),
    more('training-latency.learned', learned / (ROUNDS * ROUND_SECONDS), 'experiences/s, a gradient step each'),
  ];
}

export const trainingLatency: Entry = {
  name: 'training-latency',
  about: 'decision latency with and without a DQN that trains in the same process',
  async run(context) {
    const still = await startEngine({ settings: settingsWith([]) });
    const training = await startEngine({ settings: settingsWith([LEARNER]) });
    const results = await measure(still, training, context);
    await still.stop();
    await training.stop();
    return results;
  },
};
