import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kernel/clock.js';
import { seededRandom } from '../../src/kernel/random.js';
import { FactStore } from '../../src/store/fact-store.js';
import { FactsSink } from '../../src/store/sink/facts-sink.js';
import type { SqlPool } from '../../src/store/sql-pool.js';
import type { FactsBatch, FactsWriter, SinkLimits } from '../../src/store/sink/sink-ports.js';
import {
  appendBarrier,
  appendDecision,
  appendEvent,
  appendMarker,
  appendVerdict,
  decisionBodyOf,
  ExperienceChain,
  experienceOf,
} from '../support/facts.js';
import { MemoryStream } from '../support/memory-stream.js';
import type { GateVerdict } from '../../src/messages/gate-verdict.js';
import { startTestPostgres, type TestPostgres } from '../support/postgres.js';

const TABLES = 'decision_fact, outcome_fact, campaign, policy_version, gate_verdict, sink_position';
const FAST: Partial<SinkLimits> = { lingerMs: 5, backoffMinMs: 10, backoffMaxMs: 50, standbyMs: 20 };

let postgres: TestPostgres;
let store: FactStore;
let sinks: FactsSink[];
let journals: MemoryStream[];
let experience: MemoryStream;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.dispose());

beforeEach(async () => {
  store = new FactStore({ url: postgres.url });
  await store.migrate();
  await sql(`truncate ${TABLES}`);
  sinks = [];
  journals = [new MemoryStream(), new MemoryStream()];
  experience = new MemoryStream('exp1');
});
afterEach(async () => {
  await Promise.all(sinks.map((sink) => sink.stop()));
  await store.close();
});

function startSink(writer: FactsWriter = store.writer, limits: Partial<SinkLimits> = {}): FactsSink {
  const sources = { partitions: 2, journal: (n: number) => journals[n]!, experience };
  const sink = new FactsSink({ sources, writer, clock: systemClock, limits: { ...FAST, ...limits } });
  sinks.push(sink);
  sink.start();
  return sink;
}

const sql = (query: string): Promise<Record<string, unknown>[]> => store.orm.em.fork().execute(query);

const poolOf = async (of: FactStore): Promise<SqlPool> =>
  (await of.orm.em.getConnection().getNativeClient()) as SqlPool;

async function storedIds(): Promise<string[]> {
  const rows = await sql('select id from decision_fact order by partition, sequence');
  return rows.map((row) => String(row['id']));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const sunkTo = async (partition: number, sequence: number): Promise<boolean> =>
  (await store.facts.positions()).some((p) => p.partition === partition && p.sequence >= sequence);

/** Journals `count` decisions named `<prefix><i>` in partition 0, with an event before each. */
function journalDecisions(prefix: string, count: number, term: readonly [number, number] = [5, 0]): string[] {
  return Array.from({ length: count }, (_, i) => {
    appendEvent(journals[0]!, 0);
    appendDecision(journals[0]!, 0, term, decisionBodyOf(`${prefix}${i}`));
    return `${prefix}${i}`;
  });
}

describe('the schema', () => {
  it('is what the entities say it is', async () => {
    expect(await store.orm.schema.getUpdateSchemaSQL()).toBe('');
  });

  it('is migrated once by several processes that start together', async () => {
    const others = [1, 2, 3].map(() => new FactStore({ url: postgres.url }));
    const before = await sql('select name from attune_migrations order by name');
    expect(before.length).toBeGreaterThan(0);
    await sql('drop schema public cascade');
    await sql('create schema public');
    await Promise.all(others.map((other) => other.migrate()));
    expect(await sql('select name from attune_migrations order by name')).toEqual(before);
    await Promise.all(others.map((other) => other.close()));
  });
});

describe('a migration', () => {
  it('that loses its connection half-way is done the next time, and leaves no connection that a close would wait for', async () => {
    await sql(`drop table ${TABLES}, attune_migrations`);
    const locker = await (await poolOf(store)).connect();
    const half = new FactStore({ url: postgres.url });
    // As often as there are connections: one lost at a time would be enough to have none left.
    for (let lost = 0; lost < 6; lost++) {
      await locker.query('begin');
      await locker.query('create table decision_fact (id text)');
      const migration = half.migrate().catch((error: unknown) => error);
      await until(async () => {
        // Not by the one that has a transaction open: it sees who else is there as of its beginning.
        const rows = await sql(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where wait_event_type = 'Lock' and query ilike '%create table%decision_fact%'`,
        );
        return rows.length > 0;
      });
      await locker.query('rollback');
      expect(await migration).toBeInstanceOf(Error);
    }
    locker.release();
    await half.migrate();
    await half.close();
  });
});

describe('facts', () => {
  it('gives back a decision as it was journaled', async () => {
    const body = decisionBodyOf('d1', { requestId: 'r', sessionId: 's', fallbackReason: 'policy:missing' });
    appendBarrier(journals[0]!, 0, [5, 0]);
    appendDecision(journals[0]!, 0, [5, 0], body);
    startSink();
    await until(async () => (await storedIds()).length === 1);
    expect(await store.facts.decision('d1')).toEqual(body);
    expect(await store.facts.decision('d2')).toBeUndefined();
    expect(
      await store.facts.recentDecisions({ actor: { kind: 'user', token: '42' }, surface: 'rider.pickup' }),
    ).toEqual([body]);
    expect(await store.facts.recentDecisions({ beforeMs: body.atMs })).toEqual([]);
    const [row] = await sql('select propensities, epoch, degraded from decision_fact');
    expect(row).toMatchObject({ propensities: [0.30000000000000004, 1], degraded: ['zone'] });
  });

  it('skips the records of former owners, of unsettled sessions and of verdicts', async () => {
    const journal = journals[0]!;
    appendBarrier(journal, 0, [5, 0]);
    const poison = appendDecision(journal, 0, [5, 0], decisionBodyOf('poison'));
    appendDecision(journal, 0, [5, 0], decisionBodyOf('kept-1'));
    appendVerdict(journal, 0, [5, 0], poison);
    appendMarker(journal, 0, [5, 1]);
    appendDecision(journal, 0, [5, 0], decisionBodyOf('late'));
    appendDecision(journal, 0, [5, 1], decisionBodyOf('kept-2'));
    appendBarrier(journal, 0, [9, 0]);
    appendDecision(journal, 0, [5, 1], decisionBodyOf('zombie'));
    appendVerdict(journal, 0, [5, 1], 3);
    const last = appendDecision(journal, 0, [9, 0], decisionBodyOf('kept-3'));
    const sink = startSink();
    await until(() => sunkTo(0, last));
    expect(await storedIds()).toEqual(['kept-1', 'kept-2', 'kept-3']);
    expect(sink.status()).toMatchObject({ stale: 3, voided: 1 });
  });

  it('stores text that PostgreSQL cannot hold as near as it can, and leaves out what it never could', async () => {
    // Longer than an index entry may be, even compressed.
    const random = seededRandom(1);
    const incompressible = Array.from({ length: 2_000 }, () => random.next().toString(36)).join('');
    appendBarrier(journals[0]!, 0, [5, 0]);
    appendDecision(
      journals[0]!,
      0,
      [5, 0],
      decisionBodyOf('odd', { context: { nul: 'a\u0000b', lone: '\ud800', ok: '\\u0000', face: '😀' } }),
    );
    appendDecision(journals[0]!, 0, [5, 0], decisionBodyOf('huge', { policy: { id: incompressible, version: 1 } }));
    appendDecision(journals[0]!, 0, [5, 0], { id: 'no decision' });
    appendDecision(journals[0]!, 0, [5, 0], decisionBodyOf('after'));
    const sink = startSink();
    await until(() => sunkTo(0, 5));
    expect(await storedIds()).toEqual(['odd', 'after']);
    expect((await store.facts.decision('odd'))!.context).toEqual({
      nul: 'a\ufffdb',
      lone: '\ufffd',
      ok: '\\u0000',
      face: '😀',
    });
    expect(sink.status()).toMatchObject({ malformed: 1, unstorable: 1 });
  });
});

describe('outcomes', () => {
  it('counts each output of a chain once and sums them by policy', async () => {
    const chain = new ExperienceChain(experience, 0);
    chain.emit(3, experienceOf('d1'));
    chain.repeat();
    chain.emit(3, experienceOf('d2', { reward: 1 }), 1);
    chain.emit(9, experienceOf('d3', { status: 'not-shown', reward: 0, rewardedId: null }));
    new ExperienceChain(experience, 1).emit(4, experienceOf('d4', { reward: 0.25, surface: 'rider.pickup' }));
    const sink = startSink();
    await until(() => sink.status().outcomes === 4);
    expect(await store.facts.outcomesByPolicy(0, 2e12)).toEqual([
      expect.objectContaining({
        policyId: 'pickup-thompson',
        policyVersion: 7,
        status: 'complete',
        count: 3,
        rewardSum: 1.75,
      }),
      expect.objectContaining({ status: 'not-shown', count: 1, rewardSum: 0 }),
    ]);
    expect(await store.facts.outcomesOf('d2')).toMatchObject([{ reward: 1, rewardedId: 'door-a', index: 1 }]);
    expect(sink.status().duplicate).toBe(1);
    expect(await store.facts.experiencePosition()).toMatchObject({ identity: 'exp1', sequence: 5 });
  });

  it.each(['before', 'after'])('removes a refused decision whose refusal comes %s it', async (order) => {
    const refuse = (): void => {
      new ExperienceChain(experience, 0).emit(2, { decisionId: 'd0', status: 'refused', reason: 'budget' });
    };
    const decide = (): void => {
      appendBarrier(journals[0]!, 0, [5, 0]);
      appendDecision(journals[0]!, 0, [5, 0], decisionBodyOf('d0'));
      appendDecision(journals[0]!, 0, [5, 0], decisionBodyOf('d1'));
    };
    const sink = startSink();
    if (order === 'before') {
      refuse();
      await until(() => sink.status().outcomes === 1);
      decide();
      await until(() => sunkTo(0, 3));
    } else {
      decide();
      await until(async () => (await storedIds()).length === 2);
      refuse();
      await until(() => sink.status().outcomes === 1);
    }
    expect(await storedIds()).toEqual(['d1']);
    expect(await store.facts.outcomesOf('d0')).toMatchObject([{ status: 'refused', reason: 'budget' }]);
  });
});

describe('exactly once', () => {
  it('goes on where it was after a restart', async () => {
    appendBarrier(journals[0]!, 0, [5, 0]);
    const first = journalDecisions('a', 10);
    const sink = startSink();
    await until(async () => (await storedIds()).length === 10);
    await sink.stop();
    const second = journalDecisions('b', 10);
    const next = startSink();
    await until(async () => (await storedIds()).length === 20);
    expect(await storedIds()).toEqual([...first, ...second]);
    expect(next.status().decisions).toBe(10);
  });

  it.each(['before the commit', 'after the commit'])('survives a crash %s of any batch', async (moment) => {
    appendBarrier(journals[0]!, 0, [5, 0]);
    const ids = journalDecisions('d', 60);
    const chain = new ExperienceChain(experience, 0);
    ids.forEach((id, i) => chain.emit(i + 3, experienceOf(id)));
    let commits = 0;
    const crashing: FactsWriter = {
      claim: (work) => store.writer.claim(work),
      load: (names) => store.writer.load(names),
      commit: async (batch: FactsBatch) => {
        const crash = ++commits % 3 !== 0;
        if (crash && moment === 'before the commit') throw new Error('crash');
        const result = await store.writer.commit(batch);
        if (crash) throw new Error('crash');
        return result;
      },
    };
    const sink = startSink(crashing, { batchRows: 7 });
    await until(() => sunkTo(0, 121));
    await until(async () => (await sql('select 1 from outcome_fact')).length === 60);
    await sink.stop();
    expect(commits).toBeGreaterThan(15);
    expect(await storedIds()).toEqual(ids);
    expect(await store.facts.outcomesByPolicy(0, 2e12)).toMatchObject([{ count: 60, rewardSum: 30 }]);
  });

  it('has one sink at a time, and the next takes over', async () => {
    appendBarrier(journals[0]!, 0, [5, 0]);
    const first = startSink();
    await until(() => first.status().state === 'sinking');
    const second = startSink();
    await until(() => second.status().state === 'standby');
    await first.stop();
    await until(() => second.status().state === 'sinking');
    const ids = journalDecisions('d', 5);
    await until(async () => (await storedIds()).length === 5);
    expect(await storedIds()).toEqual(ids);
  });

  it('rolls a batch back whose position another sink has moved', async () => {
    const names = ['partition/0', 'partition/1', 'experience'];
    const from = (await store.writer.load(names)).get('partition/0')!;
    const position = { source: 'partition/0', from, to: { ...from, identity: 'id1', sequence: 4 } };
    await store.writer.commit({ changes: [], positions: [position] });
    await expect(store.writer.commit({ changes: [], positions: [position] })).rejects.toMatchObject({
      code: 'SINK_POSITION_MOVED',
    });
  });
});

describe('while PostgreSQL is down', () => {
  it('loses nothing and catches up', async () => {
    appendBarrier(journals[0]!, 0, [5, 0]);
    const ids = journalDecisions('a', 20);
    const sink = startSink();
    await until(async () => (await storedIds()).length === 20);
    await postgres.stop();
    ids.push(...journalDecisions('b', 20));
    await until(() => sink.status().state === 'retrying');
    await expect(store.facts.decision('a0')).rejects.toMatchObject({ code: 'FACTS_UNAVAILABLE' });
    ids.push(...journalDecisions('c', 20));
    await postgres.start();
    await until(async () => (await storedIds().catch(() => [])).length === 60);
    expect(await storedIds()).toEqual(ids);
    expect(sink.status()).toMatchObject({ state: 'sinking', reason: undefined });
  });

  it('starts, and sinks once the database is there', async () => {
    appendBarrier(journals[0]!, 0, [5, 0]);
    const ids = journalDecisions('a', 3);
    await postgres.stop();
    const fresh = new FactStore({ url: postgres.url });
    const sink = startSink(fresh.writer);
    await until(() => sink.status().state === 'retrying');
    await postgres.start();
    await until(async () => (await storedIds().catch(() => [])).length === 3);
    expect(await storedIds()).toEqual(ids);
    await sink.stop();
    await fresh.close();
  });
});

describe('streams that change under the sink', () => {
  it('reads a journal that was made again from its beginning', async () => {
    appendBarrier(journals[0]!, 0, [5, 0]);
    journalDecisions('a', 2);
    const sink = startSink();
    await until(async () => (await storedIds()).length === 2);
    const old = journals[0]!;
    journals[0] = new MemoryStream('id2');
    appendBarrier(journals[0]!, 0, [1, 0]);
    journalDecisions('b', 3, [1, 0]);
    old.lose();
    await until(async () => (await storedIds()).length === 5);
    expect((await store.facts.positions()).find((p) => p.partition === 0)).toMatchObject({
      identity: 'id2',
      sequence: 7,
    });
    await sink.stop();
  });

  it('starts on a journal whose barrier is trimmed, with the highest term it meets', async () => {
    const journal = journals[0]!;
    appendBarrier(journal, 0, [5, 0]);
    appendDecision(journal, 0, [5, 0], decisionBodyOf('gone'));
    appendDecision(journal, 0, [5, 0], decisionBodyOf('kept'));
    appendDecision(journal, 0, [4, 0], decisionBodyOf('zombie'));
    journal.trim(3);
    startSink();
    await until(() => sunkTo(0, 4));
    expect(await storedIds()).toEqual(['kept']);
  });

  it('leaves a journal alone that has lost what is already sunk, and serves the others', async () => {
    appendBarrier(journals[0]!, 0, [5, 0]);
    journalDecisions('a', 3);
    const first = startSink();
    await until(async () => (await storedIds()).length === 3);
    await first.stop();
    journals[0]!.tear(2);
    appendBarrier(journals[1]!, 1, [6, 0]);
    appendDecision(journals[1]!, 1, [6, 0], decisionBodyOf('b'));
    const second = startSink();
    await until(async () => (await storedIds()).length === 4);
    expect(Object.keys(second.status().refused)).toEqual(['partition/0']);
  });
});

describe('the registry', () => {
  const lineage = { learner: 'l', experiences: 1, sequence: 2, createdAtMs: 1_700_000_000_000 };
  const artifact = {
    schema: 1 as const,
    family: 'beta-thompson',
    policy: { id: 'p', version: 3 },
    parameters: {},
    lineage,
    checksum: 'a'.repeat(64),
  };

  it('registers a policy version once and for ever', async () => {
    await store.registry.registerPolicy(artifact);
    await store.registry.registerPolicy(artifact);
    await expect(store.registry.registerPolicy({ ...artifact, checksum: 'b'.repeat(64) })).rejects.toMatchObject({
      code: 'POLICY_VERSION_TAKEN',
    });
    expect(await store.registry.policyVersions('p')).toMatchObject([{ version: 3, family: 'beta-thompson', lineage }]);
  });

  it('registers a verdict on a candidate once, with its numbers', async () => {
    const comparison = {
      version: 3,
      difference: 0.1,
      interval: [-0.1, 0.3] as [number, number],
      pBetter: 0.2,
      pWorse: 1,
      evidence: 1,
      evidenceMax: 1.6,
      unsupported: 0,
      clippedShare: 0,
    };
    const verdict: GateVerdict = {
      policyId: 'p',
      candidate: 2,
      version: 5,
      outcome: 'rejected',
      reason: 'no-progress',
      text: 'Nothing speaks for it.',
      alpha: 0.0076,
      evidenceNeeded: 4.88,
      decisions: 5000,
      unanswered: 0,
      effectiveSamples: 900,
      rewardMean: 0.4,
      shift: 0.2,
      live: comparison,
      anchor: { ...comparison, version: 1 },
      judgedAtMs: 1_700_000_000_000,
    };
    await store.registry.registerVerdict(verdict);
    await store.registry.registerVerdict(verdict);
    await store.registry.registerVerdict({ ...verdict, candidate: 3, version: 6, judgedAtMs: 1_700_000_001_000 });
    expect(await store.registry.verdicts('p')).toMatchObject([
      { candidate: 3, version: 6 },
      { candidate: 2, version: 5, outcome: 'rejected', alpha: 0.0076, decisions: 5000, verdict },
    ]);
    expect(await store.registry.verdicts('other')).toEqual([]);
  });

  it('never replaces a campaign by an older report of it', async () => {
    const definition = { name: 'n?', surface: 'promo.discount', budgetCents: 5000, offerValidMs: 1000, offers: [] };
    const report = { id: 'c', definition, atMs: 1_700_000_000_000 };
    await store.registry.registerCampaign({ ...report, status: 'live', sequence: 9 });
    await store.registry.registerCampaign({ ...report, status: 'draft', sequence: 4 });
    expect(await store.registry.campaigns()).toMatchObject([
      { id: 'c', status: 'live', budgetCents: 5000, definition },
    ]);
  });
});
