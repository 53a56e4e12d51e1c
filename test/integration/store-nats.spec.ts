import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Appender } from '../../src/actors/host/ports.js';
import { NatsStreamSource } from '../../src/actors/nats/stream-source.js';
import { sleep, systemClock } from '../../src/kernel/clock.js';
import { streams } from '../../src/messages/subjects.js';
import { FactStore } from '../../src/store/fact-store.js';
import { FactsSink } from '../../src/store/sink/facts-sink.js';
import { appendBarrier, appendDecision, decisionBodyOf, ExperienceChain, experienceOf } from '../support/facts.js';
import { MemoryStream } from '../support/memory-stream.js';
import { startNatsWorld, type NatsWorld } from '../support/nats-world.js';
import { startTestPostgres, type TestPostgres } from '../support/postgres.js';

const PARTITIONS = 2;
const GROUP = 50;

let world: NatsWorld;
let postgres: TestPostgres;
let store: FactStore;

beforeAll(async () => {
  [world, postgres] = await Promise.all([
    startNatsWorld({ partitions: PARTITIONS, leaseTtlMs: 5_000 }),
    startTestPostgres(),
  ]);
  store = new FactStore({ url: postgres.url });
});
afterAll(async () => {
  await store.close();
  await Promise.all([world.dispose(), postgres.dispose()]);
});

const pause = (ms: number): Promise<void> => sleep(systemClock, ms);

/** What hosts would publish, drafted in memory and then published for real, until the server has it all. */
class Draft {
  readonly stream = new MemoryStream();
  #published = 0;

  async publish(to: Appender): Promise<void> {
    for (const { subject, payload } of this.stream.records.slice(this.#published)) {
      // A refusal while the server is away comes at once.
      while ((await to.append([{ subject, payload }]))[0]!.status !== 'stored') await pause(20);
      this.#published++;
    }
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(20);
}

describe('the facts sink between a real nats-server and a real PostgreSQL', () => {
  it('has every decision and outcome once, through restarts of both servers and of itself', async () => {
    const jsm = await jetstreamManager(world.link.nc, { checkAPI: false });
    const experience = new NatsStreamSource(world.link, jsm, streams.experience);
    const sources = { partitions: PARTITIONS, journal: (n: number) => world.cluster.journal(n), experience };
    const limits = { lingerMs: 10, backoffMinMs: 20, backoffMaxMs: 200, batchRows: 7 };
    const start = (): FactsSink => {
      const sink = new FactsSink({ sources, writer: store.writer, clock: systemClock, limits });
      sink.start();
      return sink;
    };

    const journals = Array.from({ length: PARTITIONS }, () => new Draft());
    const outcomes = new Draft();
    const chains = journals.map((_, partition) => new ExperienceChain(outcomes.stream, partition));
    journals.forEach(({ stream }, partition) => appendBarrier(stream, partition, [3, 0]));
    const expected: string[] = [];
    const publishGroup = async (name: string): Promise<void> => {
      for (let i = 0; i < GROUP; i++) {
        const partition = i % PARTITIONS;
        const id = `${name}${i}`;
        const sequence = appendDecision(journals[partition]!.stream, partition, [3, 0], decisionBodyOf(id));
        chains[partition]!.emit(sequence, experienceOf(id));
        expected.push(id);
      }
      await Promise.all(journals.map((draft, partition) => draft.publish(world.cluster.journal(partition))));
      await outcomes.publish(world.cluster.experience);
    };

    let sink = start();
    await publishGroup('a');
    await postgres.stop();
    await publishGroup('b');
    await until(() => sink.status().state === 'retrying');
    await postgres.start();
    await publishGroup('c');
    await world.server.restart();
    await publishGroup('d');
    await sink.stop();
    await publishGroup('e');
    sink = start();

    const count = async (table: string): Promise<number> =>
      Number((await store.orm.em.fork().execute<{ n: string }[]>(`select count(*) as n from ${table}`))[0]!.n);
    const settled = async (): Promise<boolean> =>
      (await count('decision_fact')) >= expected.length && (await count('outcome_fact')) >= expected.length;
    await until(() => settled().catch(() => false));
    await sink.stop();

    const stored = await store.orm.em.fork().execute<{ id: string }[]>('select id from decision_fact order by id');
    expect(stored.map((row) => row.id)).toEqual(expected.toSorted());
    expect(await store.facts.outcomesByPolicy(0, 2e12)).toMatchObject([
      { count: expected.length, rewardSum: expected.length / 2 },
    ]);
    const [position] = (await store.facts.positions()).filter(({ partition }) => partition === 0);
    const info = await world.cluster.journal(0).info();
    expect(position).toEqual({ partition: 0, identity: info.identity, sequence: info.lastSequence });
  });
});
