/** A learner in another process, on a real nats-server, with no more rights than a learner has. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect as connectClient, PermissionViolationError, type NatsConnection } from '@nats-io/transport-node';
import { LearnerHost } from '../../src/actors/learner/learner-host.js';
import { ThreadOpener } from '../../src/actors/artifacts/thread-opener.js';
import { openLearnerPorts, type NatsLearnerPorts } from '../../src/actors/learner/nats-learner-ports.js';
import { ensureCluster } from '../../src/actors/nats/bootstrap.js';
import { NatsCluster } from '../../src/actors/nats/cluster.js';
import { connect, type NatsLink } from '../../src/actors/nats/connection.js';
import { systemClock } from '../../src/kernel/clock.js';
import { PolicyRegistry } from '../../src/policies/registry/registry.js';
import { eventually } from '../support/eventually.js';
import { Chainer, experience, SURFACE } from '../support/learning.js';
import { localKeeper } from '../support/local-keeper.js';
import { startTestNats, type TestNats } from '../support/nats.js';

const silent = { info: () => undefined, warn: () => undefined };
const cluster = { partitions: 1, replicas: 1, leaseTtlMs: 1_000 };
const LEARNER = { id: 'outside', kind: 'external', surface: SURFACE, policy: 'pickup-thompson' };

let nats: TestNats;
let link: NatsLink;
let opened: NatsCluster;
let ports: NatsLearnerPorts;
let registry: PolicyRegistry;
let learner: NatsConnection;
const chain = new Chainer();
const ends: (() => unknown)[] = [];

const opener = new ThreadOpener({ surfaces: [], clock: systemClock });

beforeAll(async () => {
  nats = await startTestNats({ partitions: cluster.partitions });
  link = await connect({ ...nats.engine, name: 'external-learner-spec', log: silent });
  await ensureCluster(link, cluster);
  opened = await NatsCluster.open(link, { ...cluster, log: silent });
  ports = await openLearnerPorts(link, 1, systemClock, opener);
  await opened.experience.append([1, 0, 1].map((reward) => chain.message(experience({ reward, rewardedId: 'a' }))));
});
afterAll(async () => {
  await link.close();
  await nats.dispose();
  await opener.stop();
});

beforeEach(async () => {
  registry = new PolicyRegistry(opener);
  ends.push(registry.follow(ports.artifacts));
  const { user, pass } = nats.learner;
  learner = await connectClient({ servers: nats.url, user, pass, inboxPrefix: '_INBOX.outside' });
  ends.push(() => learner.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startHost(hostId: string, configured: object = LEARNER): Promise<LearnerHost> {
  const { leases, hosts } = opened;
  const { keeper } = localKeeper({ leases, hosts, clock: systemClock, ttlMs: cluster.leaseTtlMs });
  ends.push(() => keeper.stop());
  const host = new LearnerHost({
    ...ports,
    opener,
    learners: [configured],
    hostId,
    keeper,
    leaseTtlMs: cluster.leaseTtlMs,
    clock: systemClock,
  });
  ends.push(() => host.stop());
  await host.start();
  return host;
}

/** The secret of each session by its epoch, as the process that claimed it knows it. */
const sessions = new Map<number, string>();
async function ask(verb: string, request: object, timeout = 5_000): Promise<any> {
  const { epoch } = request as { epoch?: number };
  const named = epoch === undefined ? request : { session: sessions.get(epoch), ...request };
  const answer: any = (
    await learner.request(`attune.learner.outside.${verb}`, JSON.stringify(named), { timeout })
  ).json();
  if (verb === 'claim' && 'epoch' in answer) sessions.set(answer.epoch, answer.session);
  return answer;
}
/** Across accounts nobody says that nobody is there yet. */
const CLAIM_MS_MAX = 300;
/** Somebody else's lease may have to run out first. */
const claim = (instance: string): Promise<any> =>
  eventually('the lease', async () => {
    const answer = await ask('claim', { worker: 'spec', instance }, CLAIM_MS_MAX);
    return 'epoch' in answer ? answer : undefined;
  });
const publication = (arm: number, more: object = {}) => {
  const parameters = JSON.stringify({ arms: { a: [arm, 1] }, prior: [1, 1] });
  const sha256 = createHash('sha256').update(parameters).digest('hex');
  return { schema: 1, family: 'beta-thompson', parameters, sha256, cursor: null, experiences: 0, ...more };
};

describe('a learner in another process', () => {
  it('consumes, publishes and saves; a running registry swaps its version in; it resumes on another host', async () => {
    const first = await startHost('h1');
    const { epoch } = await claim('one');
    const page = await ask('next', { epoch, cursor: null });
    expect(page.records.map((record: any) => record.experience.reward)).toEqual([1, 0, 1]);
    const { version } = await ask('publish', { epoch, ...publication(3, { cursor: page.cursor, experiences: 3 }) });
    await eventually('the version is swapped in', () => registry.get('pickup-thompson')?.ref.version === version);
    expect(await ask('save', { epoch, cursor: page.cursor, experiences: 3, state: 'so far' })).toEqual({ position: 3 });
    expect(await ask('view', {})).toMatchObject({ mode: 'learning', version, learned: 3, position: 3 });

    await startHost('h2');
    await first.stop();
    const again = await claim('one');
    expect(again.epoch).toBeGreaterThan(epoch);
    expect(again.checkpoint).toMatchObject({ cursor: page.cursor, experiences: 3 });
    expect(await ask('load', { epoch: again.epoch, part: 0 })).toMatchObject({ text: 'so far' });
    expect(await ask('publish', { epoch, ...publication(9) })).toMatchObject({ error: { code: 'LEARNER_LEASE_LOST' } });
    expect(registry.get('pickup-thompson')!.ref.version).toBe(version);
  });

  it.each([
    ['ARTIFACT_CHECKSUM', { sha256: '0'.repeat(64) }],
    ['ARTIFACT_SCHEMA', { schema: 7 }],
    ['ARTIFACT_FAMILY_UNKNOWN', { family: 'oracle' }],
    ['POLICY_PARAMETERS', publication(-1)],
  ])('hands in what is no artifact and hears %s; the last good version stays', async (code, wrong) => {
    const host = await startHost('h1');
    const { epoch } = await claim('two');
    const { version } = await ask('publish', { epoch, ...publication(2) });
    await eventually('the version is swapped in', () => registry.get('pickup-thompson')?.ref.version === version);
    expect(await ask('publish', { epoch, ...publication(2), ...wrong })).toMatchObject({ error: { code } });
    expect(host.view('outside')).toMatchObject({ mode: 'degraded', version, reason: expect.stringContaining(code) });
    expect(registry.status()).toMatchObject([{ version, refused: undefined }]);
  });

  it('hands in an artifact in parts, up to what is allowed and no further', async () => {
    await startHost('h1');
    const { epoch } = await claim('three');
    const text = JSON.stringify({ arms: { ['x'.repeat(9_000_000)]: [1, 1] }, prior: [1, 1] });
    for (let part = 0; part * 131_072 < text.length; part++)
      await ask('upload', { epoch, upload: 'u', part, text: text.slice(part * 131_072, (part + 1) * 131_072) });
    const sha256 = createHash('sha256').update(text).digest('hex');
    const request = { epoch, ...publication(2), parameters: undefined, upload: 'u', sha256 };
    expect(await ask('publish', request)).toMatchObject({ error: { code: 'ARTIFACT_TOO_LARGE' } });
  });

  it('is gated: on trial, moved to another host with its evidence, and live once what is held out shows it better', async () => {
    const policy = 'gated-thompson';
    const gate = { holdout: 0.5, decisionsMin: 20, decisionsMax: 400, patience: 60, effectiveMin: 10, weightMax: 4 };
    const gated = { ...LEARNER, policy, gate, batchSize: 4, publishEvery: 4 };
    let shown = 0;
    /** Two arms in turn, of which a earns twice as much. */
    const show = async (decisions: number): Promise<void> => {
      const messages = Array.from({ length: decisions }, () => {
        const id = shown % 2 === 0 ? 'a' : 'b';
        const log = { slate: [{ id, propensity: 0.5 }], eligible: ['a', 'b'], distribution: [0.5, 0.5] };
        const decision = { decisionId: `gated-${shown++}`, ...log, reward: id === 'a' ? 1 : 0.5, rewardedId: id };
        return chain.message(experience(decision));
      });
      await opened.experience.append(messages);
    };
    const of = (arms: object) => {
      const parameters = JSON.stringify({ arms, prior: [1, 1] });
      return { ...publication(1), parameters, sha256: createHash('sha256').update(parameters).digest('hex') };
    };
    const first = await startHost('h1', gated);
    const { epoch } = await claim('four');
    const flat = of({ a: [1, 1], b: [1, 1] });
    expect(await ask('publish', { epoch, ...flat })).toMatchObject({ policy, version: 1, outcome: 'live' });
    const better = of({ a: [40, 2], b: [2, 40] });
    expect(await ask('publish', { epoch, ...better })).toMatchObject({ version: 2, outcome: 'on-trial' });
    expect(await ask('publish', { epoch, ...of({ a: [2, 1], b: [1, 2] }) })).toMatchObject({
      error: { family: 'Conflict', code: 'LEARNER_ON_TRIAL' },
    });
    await show(24);
    const evidence = async () => (await ask('view', {})).gate?.current?.decisions as number | undefined;
    const judged = await eventually('the evidence is read', async () => {
      const { gate: seen } = await ask('view', {});
      return (seen.heldOut as number) > 5 ? evidence() : undefined;
    });
    expect(await ports.artifacts.entry(policy)).toMatchObject({ version: 1 });

    await startHost('h2', gated);
    await first.stop();
    const again = await claim('four');
    expect(again).toMatchObject({ version: 1 });
    await eventually('no evidence is lost', async () => ((await evidence()) ?? 0) >= judged!);
    await eventually('its verdict', async () => {
      await show(20);
      await ask('renew', { epoch: again.epoch });
      return (await ask('view', {})).gate?.settled?.version === 2;
    });
    expect(await ports.verdicts.of(policy)).toMatchObject([{ version: 2, candidate: 1, outcome: 'promoted' }]);
    await eventually('the version is swapped in', () => registry.get(policy)?.ref.version === 2);
    expect(await ask('view', {})).toMatchObject({ version: 2, gate: { alias: { champion: 2, challenger: null } } });
  });

  it.each([
    '$JS.API.STREAM.INFO.ATTUNE_EXPERIENCE',
    '$KV.ATTUNE_POLICIES.pickup-thompson',
    '$O.ATTUNE_ARTIFACTS.M.x',
    'attune.event.user.42.accept',
    'attune.user.42.decide',
    'attune.p.0.control.engine.barrier',
  ])('may not publish %s', async (subject) => {
    const refused: string[] = [];
    void (async () => {
      for await (const status of learner.status())
        if (status.type === 'error' && status.error instanceof PermissionViolationError)
          refused.push(status.error.subject);
    })();
    learner.publish(subject, '{}');
    await eventually('the server says no', () => refused.includes(subject));
  });
});
