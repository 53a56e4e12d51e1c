/** From a verdict that a learner's host records on NATS to the rows that people query. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { ThreadOpener } from '../../src/actors/artifacts/thread-opener.js';
import { openLearnerPorts, type NatsLearnerPorts } from '../../src/actors/learner/nats-learner-ports.js';
import { openBucket } from '../../src/actors/nats/bootstrap.js';
import { NatsZoneFeed } from '../../src/actors/replica/nats-zone-feed.js';
import { ZoneReplica } from '../../src/actors/replica/zone-replica.js';
import { startRegistrar } from '../../src/engine/registrar.js';
import { systemClock } from '../../src/kernel/clock.js';
import { silentLogger } from '../../src/kernel/logger.js';
import type { CampaignDefinition } from '../../src/messages/campaigns.js';
import type { GateVerdict } from '../../src/messages/gate-verdict.js';
import { buckets, subjects } from '../../src/messages/subjects.js';
import { encodedArtifact, sealArtifact } from '../../src/policies/artifact.js';
import { FactStore } from '../../src/store/fact-store.js';
import { until } from '../support/learning.js';
import { startNatsWorld, type NatsWorld } from '../support/nats-world.js';
import { startTestPostgres, type TestPostgres } from '../support/postgres.js';

let world: NatsWorld;
let postgres: TestPostgres;
let store: FactStore;
let ports: NatsLearnerPorts;
let stop: () => Promise<void>;
/** Begun looks of the registrar. */
let looks = 0;
const warned: Record<string, unknown>[] = [];
const log = { info: () => undefined, warn: (_: string, fields = {}) => void warned.push(fields) };
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', onRejection);
  [world, postgres] = await Promise.all([
    startNatsWorld({ partitions: 1, leaseTtlMs: 5_000 }, log),
    startTestPostgres(),
  ]);
  store = new FactStore({ url: postgres.url });
  ports = await openLearnerPorts(world.link, 1, systemClock, new ThreadOpener({ surfaces: [], clock: systemClock }));
  const { link, cluster } = world;
  stop = startRegistrar({
    registry: store.registry,
    migrated: () => {
      looks++;
      return store.migrate();
    },
    source: { link, cluster, jsm: await jetstreamManager(link.nc, { checkAPI: false }) },
    artifacts: ports.artifacts,
    verdicts: ports.verdicts,
    log: silentLogger,
    everyMs: 20,
  });
});
afterAll(async () => {
  process.off('unhandledRejection', onRejection);
  await stop();
  await store.close();
  await Promise.all([world.dispose(), postgres.dispose()]);
});

const publish = (id: string, version: number): Promise<unknown> =>
  ports.artifacts.publish(
    encodedArtifact(
      sealArtifact({
        schema: 1,
        family: 'beta-thompson',
        policy: { id, version },
        parameters: { arms: {}, prior: [1, 1] },
        lineage: { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 1_700_000_000_000 },
      }),
    ),
    1,
  );

function verdictOn(policyId: string, candidate: number, outcome: 'promoted' | 'rejected'): GateVerdict {
  const reference = {
    policyId,
    version: 1,
    difference: 0.1,
    interval: [-0.1, 0.3] as [number, number],
    pBetter: 0.2,
    pWorse: 1,
    evidence: 1,
    evidenceMax: 1.6,
    unsupported: 0,
    clippedShare: 0,
  };
  return {
    policyId,
    candidate,
    version: candidate + 1,
    outcome,
    reason: outcome === 'promoted' ? 'better' : 'no-progress',
    text: 'By its numbers.',
    alpha: 0.03,
    evidenceNeeded: 3.5,
    decisions: 200 + candidate,
    unanswered: 0,
    effectiveSamples: 100,
    rewardMean: null,
    shift: 0.2,
    live: reference,
    anchor: reference,
    judgedAtMs: 1_700_000_000_000 + candidate,
  };
}

/** Rows of a policy, of the latest candidate first; none while the tables are not there. */
const rows = (policyId: string) => store.registry.verdicts(policyId).catch(() => []);

const spring: CampaignDefinition = {
  name: 'Spring',
  surface: 'promo',
  budgetCents: 10_000,
  offerValidMs: 60_000,
  offers: [{ id: 'o', costCents: 100, features: {} }],
};

describe('the registrar between a real nats-server and a real PostgreSQL', () => {
  it('has every recorded verdict once, in order, also those that were recorded while PostgreSQL was down', async () => {
    await publish('p', 1);
    await ports.verdicts.record(verdictOn('p', 1, 'rejected'), 1);
    await until(async () => (await rows('p')).length === 1);
    await postgres.stop();
    await ports.verdicts.record(verdictOn('p', 2, 'promoted'), 1);
    await ports.verdicts.record(verdictOn('p', 2, 'promoted'), 1);
    await ports.verdicts.record(verdictOn('p', 3, 'rejected'), 1);
    await postgres.start();
    await until(async () => (await rows('p')).length === 3);
    expect(await rows('p')).toMatchObject([
      { candidate: 3, version: 4, outcome: 'rejected', reason: 'no-progress' },
      { candidate: 2, version: 3, outcome: 'promoted', decisions: 202, verdict: verdictOn('p', 2, 'promoted') },
      { candidate: 1, version: 2, outcome: 'rejected', alpha: 0.03 },
    ]);
    expect(await store.registry.policyVersions('p')).toMatchObject([{ version: 1 }]);
  });

  it('lets verdicts of one policy that cannot be read keep nothing else waiting', async () => {
    const bucket = await openBucket(world.link, buckets.policies, 1);
    await publish('broken', 1);
    await bucket.put('verdict.broken', Buffer.from('{'), 0);
    await publish('q', 1);
    await ports.verdicts.record(verdictOn('q', 1, 'promoted'), 1);
    await until(async () => (await rows('q')).length === 1);
    expect(await rows('broken')).toEqual([]);
  });

  it('registers campaigns on past broadcasts that are none; each is logged once at warn, and no connection is lost', async () => {
    const { nc } = world.link;
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const garbage = ['', 'null', '[]', '{', '{"id":7}', '\u0000', '['.repeat(100_000), '{"id":"x","status":"active"}'];
    for (const [i, text] of garbage.entries()) nc.publish(subjects.books('campaign', `bad${i}`), text);
    for (const [i, text] of garbage.entries()) nc.publish(subjects.state('zone', `bad${i}`), text);
    nc.publish(
      subjects.books('campaign', 'spring'),
      JSON.stringify({ id: 'spring', status: 'live', definition: spring }),
    );
    await nc.flush();
    const feed = new NatsZoneFeed(world.link, jsm, new ZoneReplica(systemClock));
    await until(async () => (await store.registry.campaigns().catch(() => [])).some(({ id }) => id === 'spring'));
    await until(() => Promise.resolve(world.link.unreadable.counts()['zone-broadcast'] === garbage.length));
    feed.stop();
    // Two more whole looks at the same broadcasts.
    const before = looks;
    await until(() => Promise.resolve(looks >= before + 3));
    expect(world.link.unreadable.counts()['campaign-broadcast']).toBe(garbage.length);
    const said = warned.filter(({ source }) => source === 'campaign-broadcast').map(({ place }) => place);
    expect(said.sort()).toEqual(garbage.map((_, i) => subjects.books('campaign', `bad${i}`)));
    expect(world.link.up).toBe(true);
    expect(rejections).toEqual([]);
  });
});
