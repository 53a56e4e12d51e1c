/** Facts in PostgreSQL as a log that can be evaluated: src/store/export-experience.sql. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/kernel/clock.js';
import { readAttune } from '../../src/learners/evaluation/log/attune.js';
import { UNDECLARED_RANGE } from '../../src/learners/evaluation/logged.js';
import { FactStore } from '../../src/store/fact-store.js';
import { FactsSink } from '../../src/store/sink/facts-sink.js';
import { eventually } from '../support/eventually.js';
import { appendBarrier, appendDecision, decisionBodyOf, ExperienceChain, experienceOf } from '../support/facts.js';
import { MemoryStream } from '../support/memory-stream.js';
import { startTestPostgres, type TestPostgres } from '../support/postgres.js';

const SQL = readFileSync(join(import.meta.dirname, '../../src/store/export-experience.sql'), 'utf8');

let postgres: TestPostgres;
let store: FactStore;
beforeAll(async () => {
  postgres = await startTestPostgres();
  store = new FactStore({ url: postgres.url });
  await store.migrate();
});
afterAll(async () => {
  await store.close();
  await postgres.dispose();
});

it('gives experiences as the stream had them, of decisions with a known outcome', async () => {
  const [journal, experience] = [new MemoryStream(), new MemoryStream('exp1')];
  appendBarrier(journal, 0, [5, 0]);
  for (const id of ['d1', 'd2', 'open']) appendDecision(journal, 0, [5, 0], decisionBodyOf(id));
  const chain = new ExperienceChain(experience, 0);
  chain.emit(5, experienceOf('d1', { reward: 0.5, rewardedId: 'door-b' }));
  chain.emit(6, experienceOf('d2', { status: 'censored' }));
  const limits = { lingerMs: 5, backoffMinMs: 10, backoffMaxMs: 50, standbyMs: 20 };
  const sources = { partitions: 1, journal: () => journal, experience };
  const sink = new FactsSink({ sources, writer: store.writer, clock: systemClock, limits });
  sink.start();
  try {
    const query = (sql: string): Promise<Record<string, unknown>[]> => store.orm.em.fork().execute(sql);
    await eventually('outcomes', async () => (await query('select 1 from outcome_fact')).length === 2);
    await eventually('decisions', async () => (await query('select 1 from decision_fact')).length === 3);
    // psql puts the surface in, quoted.
    const rows = await query(SQL.replace(/^--.*$/gm, '').replace(":'surface'", "'rider.pickup'"));
    expect(rows).toHaveLength(1);
    const [json] = Object.values(rows[0]!);
    const line = typeof json === 'string' ? json : JSON.stringify(json);
    expect(readAttune(line, UNDECLARED_RANGE)).toEqual({
      decision: {
        kind: 'list',
        id: 'd1',
        context: { lat: 40.75, raining: true, note: 'x?y' },
        actions: [
          { id: 'door-a', features: { distanceM: 40 } },
          { id: 'door-b', features: {} },
        ],
        choices: [
          {
            position: 0,
            action: 0,
            propensity: 0.30000000000000004,
            eligible: [0, 1],
            distribution: [0.30000000000000004, 0.7],
            reward: 0,
          },
          { position: 1, action: 1, propensity: 1, eligible: [1], distribution: [1], reward: 0.5 },
        ],
        reward: 0.5,
        weight: 1,
        asked: { surface: 'rider.pickup', atMs: 1_700_000_000_123, subject: {} },
      },
    });
  } finally {
    await sink.stop();
  }
});
