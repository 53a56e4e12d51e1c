/** Whether memory stays flat under steady work that goes the whole way round: decided, rewarded, learned, stored as facts. */
import { less, more, type Entry } from '../entry.js';
import { startEngine, type Engine } from '../support/engine.js';
import { flood, paced } from '../support/http-load.js';
import { CONNECTIONS, cloudEvent, consent, decisionBody, sendEvents, userOf } from '../support/workload.js';
import { learnedOf, LOOP_SETTINGS } from './event-loop.js';

/** Few, so that what a user keeps of the past is full before memory is watched. */
const USERS = 100;
const DECISIONS_PER_SECOND = 200;
const EVENT_EVERY = 4;
const FILL_SECONDS = 10;
/** Share of the time that settles caches and heap sizes and is not counted. */
const WARM_UP_SHARE = 1 / 3;
const SAMPLES = 20;
const SLOPE_MB_PER_MINUTE = 1;
const MB = 2 ** 20;

interface Sample {
  readonly minute: number;
  readonly heapMb: number;
  readonly rssMb: number;
}

/** Least squares, in MB a minute. */
function slopeOf(samples: readonly Sample[], field: 'heapMb' | 'rssMb'): number {
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, s) => sum + of(s), 0) / samples.length;
  const [minute, value] = [mean((s) => s.minute), mean((s) => s[field])];
  const covariance = mean((s) => (s.minute - minute) * (s[field] - value));
  return covariance / mean((s) => (s.minute - minute) ** 2);
}

/** Steady work for so long. */
async function work(engine: Engine, from: number, seconds: number): Promise<void> {
  const events = Array.from({ length: Math.ceil((seconds * DECISIONS_PER_SECOND) / EVENT_EVERY) }, (_, i) =>
    cloudEvent({ id: `s${from}-${i}`, type: 'trip.completed', user: userOf(i % USERS) }),
  );
  await Promise.all([
    paced({
      url: engine.url,
      path: '/v1/decisions',
      seconds,
      perSecond: DECISIONS_PER_SECOND,
      connections: CONNECTIONS,
      body: (n) => decisionBody(userOf((from + n) % USERS)),
    }),
    sendEvents(engine.url, events, 1),
  ]);
}

export const soak: Entry = {
  name: 'soak',
  about: 'growth of memory under steady work, after all garbage is collected',
  async run({ say, soakSeconds }) {
    const engine = await startEngine({ settings: LOOP_SETTINGS });
    await consent(engine.url, USERS);
    say('what is kept of the past fills up');
    const bodiesOf = (c: number): string[] =>
      Array.from({ length: USERS }, (_, i) => decisionBody(userOf((c + i) % USERS)));
    await flood({ url: engine.url, path: '/v1/decisions', seconds: FILL_SECONDS, connections: 16, bodiesOf });
    const startedMs = performance.now();
    const samples: Sample[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      await work(engine, i * DECISIONS_PER_SECOND, soakSeconds / SAMPLES);
      const { heapUsedBytes, rssBytes } = await engine.collect();
      const minute = (performance.now() - startedMs) / 60_000;
      samples.push({ minute, heapMb: heapUsedBytes / MB, rssMb: rssBytes / MB });
      say(
        `${minute.toFixed(1)} min: ${(heapUsedBytes / MB).toFixed(1)} MB of heap, ${(rssBytes / MB).toFixed(0)} MB resident`,
      );
    }
    const learned = await learnedOf(engine.url);
    await engine.stop();
    const counted = samples.slice(Math.floor(SAMPLES * WARM_UP_SHARE));
    return [
      less('soak.heap-slope', slopeOf(counted, 'heapMb'), 'MB/min', { target: SLOPE_MB_PER_MINUTE }),
      less('soak.resident-slope', slopeOf(counted, 'rssMb'), 'MB/min', { target: SLOPE_MB_PER_MINUTE }),
      less('soak.resident', counted.at(-1)!.rssMb, 'MB at the end'),
      more('soak.minutes', samples.at(-1)!.minute, 'min'),
      more('soak.learned', learned, 'experiences'),
    ];
  },
};
