/** Whom a flood delays: one app's events of ever new users pile up, another app asks for decisions at an even pace. */
import { connect, createInbox } from '@nats-io/transport-node';
import { startTestNats } from '../../test/support/nats.js';
import { post } from '../../test/support/rest.js';
import { less, more, type Entry } from '../entry.js';
import { startEngine } from '../support/engine.js';
import { quantile } from '../support/quantiles.js';
import { consent, decisionBody, userOf } from '../support/workload.js';

const PARTITIONS = 2;
const FLOOD_EVENTS = 20_000;
const FLOOD_GROUP = 500;
const USERS = 200;
const DECISIONS = 100;
const PACE_MS = 40;
const WARM_UP = 500;
/** The engine's own default. */
const DEADLINE_MS = 1_000;
const SETTINGS = {
  surfacesDir: 'bench/config/decisions',
  learners: [],
  'cluster.partitions': PARTITIONS,
  apps: [{ name: 'app' }, { name: 'flood' }],
  'storage.facts': 'none',
  'rateLimit.perUser': 0,
  'rateLimit.perAddress': 0,
};

interface Answer {
  readonly tookMs: number;
  readonly isPersonal: boolean;
}

async function decide(url: string, n: number): Promise<Answer> {
  const request = { ...(JSON.parse(decisionBody(userOf(n % USERS))) as object), deadlineMs: DEADLINE_MS };
  const startedMs = performance.now();
  const { status, body } = await post(url, '/v1/decisions', request);
  return { tookMs: performance.now() - startedMs, isPersonal: status === 200 && body.personalized === true };
}

/** Sends as fast as the server takes it; what it refuses is not sent again. */
async function flood(natsUrl: string): Promise<void> {
  const client = await connect({ servers: natsUrl, user: 'flood', pass: 'flood' });
  try {
    const reply = createInbox();
    for (let sent = 0; sent < FLOOD_EVENTS;) {
      for (let i = 0; i < FLOOD_GROUP; i++)
        client.publish(`attune.event.user.new-${sent++}.consent.granted`, '{}', { reply });
      await client.flush();
    }
  } finally {
    await client.close();
  }
}

export const appFlood: Entry = {
  name: 'app-flood',
  about: `decisions of one app while another sends ${FLOOD_EVENTS} events of users nobody has seen`,
  async run({ say }) {
    const nats = await startTestNats({ partitions: PARTITIONS, apps: ['app', 'flood'] });
    try {
      const engine = await startEngine({ nats: nats.engine, settings: SETTINGS });
      await consent(engine.url, USERS);
      say('warm-up');
      for (let n = 0; n < WARM_UP; n++) await decide(engine.url, n);
      say(`the flood, and a decision every ${PACE_MS} ms`);
      const answers: Promise<Answer>[] = [];
      const flooding = flood(nats.url);
      await new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          answers.push(decide(engine.url, answers.length));
          if (answers.length < DECISIONS) return;
          clearInterval(timer);
          resolve();
        }, PACE_MS);
      });
      const [given] = await Promise.all([Promise.all(answers), flooding]);
      await engine.stop();
      const tookMs = given.map((answer) => answer.tookMs);
      return [
        more('app-flood.personal', given.filter(({ isPersonal }) => isPersonal).length, `of ${DECISIONS} decisions`, {
          target: DECISIONS,
        }),
        less('app-flood.p50', quantile(tookMs, 0.5), 'ms'),
        less('app-flood.p95', quantile(tookMs, 0.95), 'ms'),
        less('app-flood.max', quantile(tookMs, 1), 'ms'),
      ];
    } finally {
      await nats.dispose();
    }
  },
};
