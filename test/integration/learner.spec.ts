/** The learner host on a real nats-server, with its workers: from experience to a policy that was swapped in. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { fileURLToPath } from 'node:url';
import { LearnerHost, type LearnerHostOptions } from '../../src/actors/learner/learner-host.js';
import type { RemoteKeeper } from '../../src/actors/keeper/remote-keeper.js';
import { ThreadOpener } from '../../src/actors/artifacts/thread-opener.js';
import { openLearnerPorts, type NatsLearnerPorts } from '../../src/actors/learner/nats-learner-ports.js';
import type { LearnerStatus } from '../../src/actors/learner/status.js';
import { ensureCluster } from '../../src/actors/nats/bootstrap.js';
import { NatsCluster } from '../../src/actors/nats/cluster.js';
import { connect, type NatsLink } from '../../src/actors/nats/connection.js';
import { systemClock } from '../../src/kernel/clock.js';
import { candidateSchema } from '../../src/messages/decisions.js';
import { streams } from '../../src/messages/subjects.js';
import { surfaceShape } from '../../src/surfaces/policy-fit.js';
import { surfaceWith } from '../support/user-actor.js';
import { encodedArtifact, sealArtifact, type Artifact, type SealedArtifact } from '../../src/policies/artifact.js';
import { PolicyRegistry } from '../../src/policies/registry/registry.js';
import { Chainer, experience, SURFACE, until } from '../support/learning.js';
import { localKeeper } from '../support/local-keeper.js';
import { startTestNats, type TestNats } from '../support/nats.js';

const silent = { info: () => undefined, warn: () => undefined };
const cluster = { partitions: 1, replicas: 1, leaseTtlMs: 1_000 };
const misbehaving = fileURLToPath(new URL('./learners/misbehaving.ts', import.meta.url));
const policy = 'pickup.thompson';
const base = { id: 'pickup', surface: SURFACE, policy, batchSize: 8, publishMinMs: 1, restartMs: 20 };

let nats: TestNats;
let link: NatsLink;
let opened: NatsCluster;
let ports: NatsLearnerPorts;
let registry: PolicyRegistry;
let unfollow: () => void;
let chain: Chainer;
const hosts: LearnerHost[] = [];
const keepers: RemoteKeeper[] = [];

const opener = new ThreadOpener({ surfaces: [], clock: systemClock });

beforeAll(async () => {
  nats = await startTestNats({ partitions: cluster.partitions });
});
afterAll(() => Promise.all([nats.dispose(), opener.stop()]));

beforeEach(async () => {
  link = await connect({ ...nats.engine, name: 'learner-spec', log: silent });
  const jsm = await jetstreamManager(link.nc);
  // Each test begins with an empty cluster.
  for await (const stream of jsm.streams.list()) await jsm.streams.delete(stream.config.name);
  await ensureCluster(link, cluster);
  opened = await NatsCluster.open(link, { ...cluster, log: silent });
  ports = await openLearnerPorts(link, 1, systemClock, opener);
  registry = new PolicyRegistry(opener);
  unfollow = registry.follow(ports.artifacts);
  chain = new Chainer();
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
  await Promise.all(keepers.splice(0).map((keeper) => keeper.stop()));
  unfollow();
  await link.close();
});

async function startHost(hostId: string, learner: object, more: Partial<LearnerHostOptions> = {}) {
  const { leases, hosts: announced } = opened;
  const { keeper } = localKeeper({ leases, hosts: announced, clock: systemClock, ttlMs: cluster.leaseTtlMs });
  keepers.push(keeper);
  const host = new LearnerHost({
    ...ports,
    opener,
    learners: [{ ...base, ...learner }],
    hostId,
    keeper,
    leaseTtlMs: cluster.leaseTtlMs,
    clock: systemClock,
    ...more,
  });
  hosts.push(host);
  await host.start();
  return host;
}

async function happen(...parts: Parameters<typeof experience>[0][]): Promise<void> {
  const outcomes = await opened.experience.append(
    parts.map((part) => chain.message(experience({ rewardedId: 'a', ...part }))),
  );
  expect(outcomes.map((outcome) => outcome.status)).toEqual(parts.map(() => 'stored'));
}

const mean = (id: string): number | undefined => {
  const context = {
    surface: SURFACE,
    subjectKind: 'rider' as const,
    personalized: true,
    context: {},
    features: {},
    nowMs: 0,
  };
  return registry.get(policy)?.scores(context, [candidateSchema.parse({ id })])[0];
};
const close = (x: number | undefined, y: number): boolean => x !== undefined && Math.abs(x - y) < 1e-12;
const view = async (): Promise<LearnerStatus> => (await link.nc.request('attune.learner.pickup.view', '{}')).json();

const sealed = (unsealed: Omit<Artifact, 'checksum'>): SealedArtifact => encodedArtifact(sealArtifact(unsealed));

describe('the learner host', () => {
  it('turns experience into policies that a running registry swaps in, and tells how it is', async () => {
    await startHost('h1', { kind: 'beta-thompson' });
    await until(() => close(mean('a'), 1 / 2));
    await happen({ reward: 1 }, { reward: 1 }, { reward: 0 });
    await until(() => close(mean('a'), 3 / 5));
    const first = registry.get(policy)!.ref.version;
    await happen({ reward: 1 });
    await until(() => close(mean('a'), 4 / 6));
    expect(registry.get(policy)!.ref.version).toBeGreaterThan(first);
    await until(async () => (await view()).mode === 'learning');
    expect(await view()).toMatchObject({ id: 'pickup', learned: 4, position: 4, lag: 0, reason: null, policy });
  });

  it('keeps a candidate on trial until held-out decisions show it better, over a change of hosts', async () => {
    const gate = { holdout: 0.5, decisionsMin: 20, effectiveMin: 10, weightMax: 4 };
    const learner = { kind: 'beta-thompson', gate, publishEvery: 10 };
    let count = 0;
    const show = (decisions: number): Promise<void> =>
      happen(
        ...Array.from({ length: decisions }, () => {
          const id = count % 2 === 0 ? 'a' : 'b';
          const slate = [{ id, propensity: 0.5 }];
          const log = { decisionId: `d${count++}`, slate, eligible: ['a', 'b'], distribution: [0.5, 0.5] };
          return { ...log, rewardedId: id, reward: id === 'a' ? 1 : 0 };
        }),
      );
    const first = await startHost('h1', learner);
    await until(() => close(mean('a'), 1 / 2));
    await show(80);
    await until(async () => (await view()).gate?.alias.challenger === 2);
    expect(registry.get(policy)!.ref.version).toBe(1);
    await first.stop();
    const second = await startHost('h2', learner);
    const gateNow = () => second.view('pickup')?.gate;
    for (let n = 0; n < 40 && registry.get(policy)!.ref.version === 1; n++) {
      await show(16);
      await until(() => second.view('pickup')?.position === count);
    }
    await until(() => registry.get(policy)!.ref.version === 2);
    await until(() => gateNow()?.settled?.candidate === 1);
    expect(gateNow()).toMatchObject({ alias: { champion: 2, anchor: 1 }, settled: { outcome: 'promoted' } });
    const [verdict] = await ports.verdicts.of(policy);
    expect(verdict).toMatchObject({
      policyId: policy,
      candidate: 1,
      version: 2,
      outcome: 'promoted',
      reason: 'better',
    });
    await expect(ports.verdicts.record(verdict!, 0)).rejects.toMatchObject({ code: 'VERDICT_STALE_EPOCH' });
  });

  it('trains a DQN in its worker, tells with which backend, and its policy acts on observations', async () => {
    const told: LearnerStatus[] = [];
    const config = {
      actions: ['a', 'b'],
      observation: { size: 1 },
      hidden: [8],
      discount: 0,
      warmup: 4,
      trainEvery: 1,
    };
    await startHost('h1', { kind: 'dqn', config }, { onMode: (status) => told.push(status) });
    await until(() => registry.get(policy)?.ref.version === 1);
    const shown = (id: string) => ({ slate: [{ id, propensity: 0.5 }], rewardedId: id, reward: id === 'b' ? 1 : 0 });
    await happen(...Array.from({ length: 64 }, (_, n) => ({ ...shown(n % 2 ? 'a' : 'b'), observation: [0.5] })));
    await until(async () => (await view()).learned === 64);
    await until(async () => (await view()).mode === 'learning' && (await view()).unpublished === 0);
    const { runtime, lossMean, reason } = await view();
    expect(runtime).toMatch(/^TensorFlow\.js, (native|wasm|cpu)$/);
    expect(told.some((status) => status.runtime === runtime)).toBe(true);
    expect([typeof lossMean, reason]).toEqual(['number', null]);
    await until(() => registry.get(policy)!.ref.version > 1);
    expect(registry.get(policy)!.observationSize).toBe(1);
  });

  it('keeps a former version loadable, and refuses an older epoch and a version that is taken', async () => {
    const artifact = (version: number) =>
      sealed({
        schema: 1,
        family: 'beta-thompson',
        policy: { id: policy, version },
        parameters: { arms: {}, prior: [version, 1] },
        lineage: { learner: 'by hand', experiences: 0, sequence: 0, createdAtMs: version },
      });
    await ports.artifacts.publish(artifact(1), 5);
    await ports.artifacts.publish(artifact(2), 5);
    await expect(ports.artifacts.publish(artifact(2), 6)).rejects.toMatchObject({ code: 'ARTIFACT_VERSION_TAKEN' });
    await expect(ports.artifacts.publish(artifact(3), 4)).rejects.toMatchObject({ code: 'ARTIFACT_STALE_EPOCH' });
    expect(await ports.artifacts.entry(policy)).toMatchObject({ version: 2, epoch: 5, by: 'by hand' });
    expect(Buffer.from((await ports.artifacts.load(policy, 1))!).toString()).toContain('"prior":[1,1]');
    expect(Buffer.from((await ports.artifacts.load(policy))!).toString()).toContain('"prior":[2,1]');
    await until(() => registry.get(policy)?.ref.version === 2);
  });

  it('makes an older version live again, under a new number, with who and why; learners go on behind it', async () => {
    const artifact = (version: number) =>
      sealed({
        schema: 1,
        family: 'beta-thompson',
        policy: { id: policy, version },
        parameters: { arms: {}, prior: [version, 1] },
        lineage: { learner: 'by hand', experiences: version, sequence: 0, createdAtMs: version },
      });
    const { artifacts } = ports;
    const sealOf = (version: number) => {
      const { checksum: _, ...head } = artifact(version).head;
      return sealed({ ...head, parameters: { arms: {}, prior: [1, 99] } });
    };
    await expect(artifacts.rollBack(policy, { by: 'ada', why: 'w' })).rejects.toMatchObject({ code: 'POLICY_UNKNOWN' });
    await artifacts.publish(artifact(1), 5);
    await expect(artifacts.rollBack(policy, { by: 'ada', why: 'w' })).rejects.toMatchObject({
      code: 'ROLLBACK_POINTLESS',
    });
    await artifacts.publish(artifact(2), 5);
    await artifacts.publish(artifact(3), 5);
    const back = await artifacts.rollBack(policy, { by: 'ada', why: 'accepts fell' });
    expect(back).toMatchObject({ version: 4, from: 3, to: 2, by: 'ada', why: 'accepts fell' });
    await until(() => registry.get(policy)?.ref.version === 4);
    expect(Buffer.from((await artifacts.load(policy))!).toString()).toContain('"prior":[2,1]');
    expect(await artifacts.entry(policy)).toMatchObject({ version: 4, by: 'ada', epoch: 5, rollback: back });
    expect(await artifacts.rollBack(policy, { to: 1, by: 'bob', why: 'further' })).toMatchObject({ version: 5, to: 1 });
    expect(Buffer.from((await artifacts.load(policy))!).toString()).toContain('"prior":[1,1]');
    for (const to of [5, 77])
      await expect(artifacts.rollBack(policy, { to, by: 'bob', why: 'w' })).rejects.toMatchObject({
        code: to === 5 ? 'ROLLBACK_POINTLESS' : 'ARTIFACT_MISSING',
        field: 'to',
      });
    await expect(artifacts.publish(artifact(5), 5)).rejects.toMatchObject({ code: 'ARTIFACT_VERSION_TAKEN' });
    // It is held there: what its learner publishes meanwhile is kept, and undoes nothing.
    for (const version of [6, 7]) expect(await artifacts.publish(artifact(version), 5)).toBe('held');
    expect(await artifacts.publish(artifact(7), 6)).toBe('held');
    expect(await artifacts.entry(policy)).toMatchObject({
      version: 5,
      held: { by: 'bob', why: 'further' },
      candidates: [7, 6],
      newest: 7,
      epoch: 6,
    });
    await expect(artifacts.publish(artifact(6), 6)).resolves.toBe('held');
    await expect(artifacts.publish(sealOf(7), 6)).rejects.toMatchObject({ code: 'ARTIFACT_VERSION_TAKEN' });
    const seen = () => registry.status().find(({ policyId }) => policyId === policy);
    await until(() => seen()?.held?.candidates.length === 2);
    expect(seen()).toMatchObject({ version: 5, held: { by: 'bob', candidates: [7, 6] } });
    // One of them is made live by hand; and then it is released.
    expect(await artifacts.rollBack(policy, { to: 6, by: 'ada', why: 'w' })).toMatchObject({ version: 8, held: true });
    expect(Buffer.from((await artifacts.load(policy))!).toString()).toContain('"prior":[6,1]');
    expect(await artifacts.rollBack(policy, { release: true, by: 'ada', why: 'mended' })).toMatchObject({
      version: 8,
      from: 8,
      to: 8,
      held: false,
    });
    await expect(artifacts.rollBack(policy, { release: true, by: 'ada', why: 'w' })).rejects.toMatchObject({
      code: 'POLICY_NOT_HELD',
      field: 'release',
    });
    expect(await artifacts.publish(artifact(9), 6)).toBe('live');
    const after = (await artifacts.entry(policy))!;
    expect(after).toMatchObject({ version: 9, candidates: [], newest: 9 });
    expect([after.rollback, after.held]).toEqual([undefined, undefined]);
    expect(await artifacts.rollBack(policy, { to: 2, release: true, by: 'ada', why: 'w' })).toMatchObject({
      version: 10,
      held: false,
    });
    expect(await artifacts.publish(artifact(11), 6)).toBe('live');
    const twice = ['a', 'b'].map((by) => artifacts.rollBack(policy, { by, why: 'at once' }));
    const outcomes = await Promise.allSettled(twice);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('does not go back to a version that its surface cannot use any more, and records nothing of it', async () => {
    const of = (version: number) =>
      sealed({
        schema: 1,
        family: 'q-table',
        policy: { id: policy, version },
        parameters: { q: { 'hour=0': { a: 1 } }, exploration: { kind: 'epsilon-greedy', epsilon: 0.1 } },
        lineage: { learner: 'by hand', experiences: 0, sequence: 0, createdAtMs: version },
      });
    for (const version of [1, 2]) await ports.artifacts.publish(of(version), 5);
    const surfaces = [surfaceShape(surfaceWith({ policy }))];
    const strict = new ThreadOpener({ surfaces, clock: systemClock });
    const { artifacts } = await openLearnerPorts(link, 1, systemClock, strict);
    await expect(artifacts.rollBack(policy, { by: 'ada', why: 'w' })).rejects.toMatchObject({ code: 'ARTIFACT_UNFIT' });
    const entry = (await artifacts.entry(policy))!;
    expect([entry.version, entry.rollback, entry.held]).toEqual([2, undefined, undefined]);
  });

  it('runs a learner once, and another host goes on with it where it stopped', async () => {
    const [first, second] = [
      await startHost('h1', { kind: 'beta-thompson' }),
      await startHost('h2', { kind: 'beta-thompson' }),
    ];
    await happen({ reward: 1 }, { reward: 1 });
    await until(() => close(mean('a'), 3 / 4));
    const modes = [first, second].map((host) => host.view('pickup')!.mode);
    expect(modes.filter((mode) => mode === 'standby')).toHaveLength(1);
    const [holder, other] = modes[0] === 'standby' ? [second, first] : [first, second];
    const epoch = holder.view('pickup')!.epoch!;
    await holder.stop();
    await happen({ reward: 0 }, { reward: 0 });
    await until(() => close(mean('a'), 3 / 6));
    expect(other.view('pickup')!).toMatchObject({ learned: 4, position: 4 });
    expect(other.view('pickup')!.epoch).toBeGreaterThan(epoch);
  });

  it.each([
    ['throw', 'LEARNER_FAILED'],
    ['hang', 'LEARNER_HUNG'],
    ['nan', 'ARTIFACT_NOT_FINITE'],
  ])('keeps the last good policy when the learner is told to %s', async (what, code) => {
    const host = await startHost('h1', { kind: misbehaving, updateDeadlineMs: 300 });
    await happen({ reward: 2 });
    await until(() => close(mean('a'), 3 / 4));
    const { version } = registry.get(policy)!.ref;
    await happen({ reward: 1, context: { do: what } });
    await until(() => host.view('pickup')!.failures >= 2);
    expect((await view()).reason).toContain(code);
    expect(registry.get(policy)!.ref.version).toBe(version);
    expect(mean('a')).toBe(3 / 4);
    // Erased, the experience no longer stands in the way; what followed it is learned from.
    const jsm = await jetstreamManager(link.nc);
    await jsm.streams.deleteMessage(streams.experience, 2);
    await happen({ reward: 1 });
    await until(() => close(mean('a'), 4 / 5));
    await until(() => host.view('pickup')!.reason === null);
  });

  it('goes on after the server was restarted', async () => {
    await startHost('h1', { kind: 'beta-thompson' });
    await happen({ reward: 1 });
    await until(() => close(mean('a'), 2 / 3));
    await nats.restart();
    await until(() => link.up);
    await happen({ reward: 1 });
    await until(() => close(mean('a'), 3 / 4));
  });

  it('refuses to start with a wrong configuration, and lists every problem', async () => {
    const learners = [
      { ...base, kind: 'q-learning', config: { discount: 7 } },
      { ...base, kind: 'beta-thompson', batchSize: 0 },
      { ...base, kind: 'nothing-like-it' },
    ];
    await expect(startHost('h1', {}, { learners })).rejects.toMatchObject({
      code: 'LEARNERS_INVALID',
      message: expect.stringMatching(/discount[^]*learners\[1\]\.batchSize[^]*nothing-like-it/),
    });
  });
});
