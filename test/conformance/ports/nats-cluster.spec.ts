/** How a cluster is made and checked on NATS, and what apps reach of it. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { AppendOutcome } from '../../../src/actors/host/ports.js';
import { ensureCluster } from '../../../src/actors/nats/bootstrap.js';
import { NatsCluster } from '../../../src/actors/nats/cluster.js';
import { raiseVersions } from '../../../src/actors/host/cluster-constants.js';
import { connect, type NatsLink } from '../../../src/actors/nats/connection.js';
import { JournalEventIngress } from '../../../src/actors/nats/event-ingress.js';
import { probeMappings } from '../../../src/actors/nats/probe.js';
import { requestActor } from '../../../src/actors/nats/request-transport.js';
import { readPlan } from '../../../src/actors/nats/store-room.js';
import { encodeToken, partitionOf } from '../../../src/kernel/ids.js';
import { streams, subjects } from '../../../src/messages/subjects.js';
import { decodePosition } from '../../../src/messages/tokens.js';
import { linkIs, silentLog, startNatsWorld, type NatsWorld } from '../../support/nats-world.js';
import { startTestNats } from '../../support/nats.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const event = (n: number) => ({
  subject: subjects.record(0, 'event', 'app', 'user', '42', 'click'),
  payload: bytes(`${n}`),
});
const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
const codes = (outcomes: readonly AppendOutcome[]) =>
  outcomes.map((outcome) => (outcome.status === 'refused' ? outcome.code : outcome.status));

describe('nats cluster', () => {
  let world: NatsWorld;
  let apps: NatsLink[] = [];
  const connectApp = async (): Promise<NatsLink> => {
    const app = await connect({ ...world.server.app, name: 'app', log: silentLog });
    apps.push(app);
    return app;
  };
  const start = async (options: Partial<Parameters<typeof startNatsWorld>[0]> = {}): Promise<NatsWorld> =>
    (world = await startNatsWorld({ partitions: 2, leaseTtlMs: 1_000, ...options }));
  afterEach(async () => {
    await Promise.all(apps.map((app) => app.close()));
    apps = [];
    await world.dispose();
  });

  describe('bootstrap', () => {
    it('is made once by many at a time, and again without harm', async () => {
      await start();
      await world.cluster.journal(0).append(events(1, 3));
      const options = { partitions: 2, replicas: 1, leaseTtlMs: 1_000 };
      const all = await Promise.all([1, 2, 3].map(() => ensureCluster(world.link, options)));
      expect(new Set(all.map((constants) => JSON.stringify(constants))).size).toBe(1);
      expect(await world.cluster.journal(0).info()).toMatchObject({ lastSequence: 3 });
    });

    it('is made by many processes that start at once on a new server, which all share one plan of all its room', async () => {
      await start();
      const alone = (await readPlan(world.cluster.constants)).journal;
      const options = { partitions: 2, replicas: 1, leaseTtlMs: 1_000 };
      for (let round = 0; round < 5; round++) {
        await world.dispose();
        const server = await startTestNats({ partitions: 2 });
        const links = await Promise.all(
          Array.from({ length: 12 }, (_, n) => connect({ ...server.engine, name: `process-${n}`, log: silentLog })),
        );
        const cluster = await NatsCluster.open(links[0]!, { partitions: 2, replicas: 1, log: silentLog });
        const dispose = async (): Promise<void> => {
          await Promise.all(links.map((link) => link.close()));
          await server.dispose();
        };
        world = { server, link: links[0]!, cluster, dispose };
        const all = await Promise.allSettled(links.map((link) => ensureCluster(link, options)));
        expect(all.filter(({ status }) => status === 'rejected')).toEqual([]);
        // The disk is shared with others, and what is asked for are powers of two: half of it or twice as much may be by chance.
        const { journal } = await readPlan(cluster.constants);
        expect(journal).toBeGreaterThan(alone / 3);
        expect(codes(await cluster.journal(0).append(events(1, 3)))).toEqual(['stored', 'stored', 'stored']);
      }
    });

    it('reserves nothing to find out how much room there is', async () => {
      const server = await startTestNats({ partitions: 2 });
      const link = await connect({ ...server.engine, name: 'test', log: silentLog });
      const made: string[] = [];
      link.nc.subscribe('$JS.EVENT.ADVISORY.STREAM.CREATED.>', {
        callback: (_, { subject }) => void made.push(subject.slice(subject.lastIndexOf('.') + 1)),
      });
      try {
        await ensureCluster(link, { partitions: 2, replicas: 1, leaseTtlMs: 1_000 });
        await link.nc.flush();
        expect(made).toContain(streams.journal(1));
        expect(made.filter((name) => name.includes('ROOM'))).toEqual([]);
      } finally {
        await link.close();
        await server.dispose();
      }
    });

    it('says whose a stream is that takes its subjects', async () => {
      const server = await startTestNats({ partitions: 2 });
      const link = await connect({ ...server.engine, name: 'test', log: silentLog });
      try {
        const jsm = await jetstreamManager(link.nc);
        await jsm.streams.add({ name: 'THEIRS', subjects: ['attune.p.1.event.app.user.>'] });
        await expect(ensureCluster(link, { partitions: 2, replicas: 1, leaseTtlMs: 1_000 })).rejects.toMatchObject({
          family: 'Configuration',
          code: 'STREAM_SUBJECTS_TAKEN',
          message: expect.stringContaining('THEIRS'),
        });
      } finally {
        await link.close();
        await server.dispose();
      }
    });

    it('leaves out whom a journal has left out, and takes in an app that is new', async () => {
      await start({ apps: ['app', 'flood'] });
      const journal = world.cluster.journal(0);
      const options = { partitions: 2, replicas: 1, leaseTtlMs: 1_000 };
      await journal.take('all', ['flood']);
      await ensureCluster(world.link, { ...options, apps: ['app', 'flood'] });
      expect(await journal.room()).toMatchObject({ intake: 'all', leftOut: ['flood'] });
      await ensureCluster(world.link, { ...options, apps: ['app', 'new'] });
      const jsm = await jetstreamManager(world.link.nc);
      const captured = async (): Promise<readonly string[]> =>
        (await jsm.streams.info(streams.journal(0))).config.subjects;
      expect(await captured()).toContain(streams.appEvents(0, 'new'));
      expect(await captured()).not.toContain(streams.appEvents(0, 'flood'));
      // Also where its limit changes, and while it takes no events at all.
      await journal.take('owned', []);
      await ensureCluster(world.link, { ...options, apps: ['newer'], storage: { journalBytesMax: 3e6 } });
      const cluster = await NatsCluster.open(world.link, { partitions: 2, replicas: 1, log: silentLog });
      expect(await cluster.journal(0).room()).toMatchObject({ intake: 'owned', limit: 3e6 });
    });

    it('refuses small records at a limit that nobody looks after, and drops none of what it has', async () => {
      await start({ storage: { journalBytesMax: 2 * 1024 * 1024 } });
      const journal = world.cluster.journal(0);
      const record = { subject: subjects.record(0, 'event', 'app', 'user', 'u', 'x'), payload: Buffer.from('{}') };
      const counts = { stored: 0, refused: 0 };
      for (let refusedRounds = 0; refusedRounds < 3;) {
        const outcomes = await journal.append(Array.from({ length: 1_000 }, () => record));
        const stored = outcomes.filter(({ status }) => status === 'stored').length;
        for (const outcome of outcomes)
          if (outcome.status !== 'stored') expect(outcome).toMatchObject({ status: 'refused', code: 'JOURNAL_FULL' });
        counts.stored += stored;
        counts.refused += outcomes.length - stored;
        if (stored === 0) refusedRounds++;
      }
      expect(await journal.info()).toMatchObject({ firstSequence: 1, lastSequence: counts.stored });
      expect(counts.refused).toBeGreaterThan(3_000);
      const { bytes, limit } = await journal.room();
      expect(bytes).toBeGreaterThan(0.99 * limit);
      // What makes room for control records makes it for their number too.
      await journal.take('control');
      const control = { subject: subjects.control(0, 'marker'), payload: Buffer.from('{}') };
      expect(await journal.append([record, control])).toMatchObject([{ status: 'refused' }, { status: 'stored' }]);
      expect((await journal.info()).firstSequence).toBe(1);
    });

    it('refuses another partition count, and leaves no streams of it behind', async () => {
      await start();
      await expect(ensureCluster(world.link, { partitions: 4, replicas: 1, leaseTtlMs: 1_000 })).rejects.toMatchObject({
        family: 'Configuration',
        code: 'CLUSTER_PARTITIONS_MISMATCH',
      });
      const jsm = await jetstreamManager(world.link.nc);
      await expect(jsm.streams.info(streams.journal(3))).rejects.toThrow();
    });

    it('raises the write version to what every live host reads, and refuses a build that is too old', async () => {
      await start();
      const raised = (...announced: readonly (readonly [schema: number, semantics: number])[]) =>
        raiseVersions(
          world.cluster.constants,
          announced.map(([schema, semantics]) => ({ schema, semantics })),
        );
      expect(await raised()).toEqual({ schema: 2, semantics: 1 });
      expect(await raised([4, 2], [2, 1])).toEqual({ schema: 2, semantics: 1 });
      expect(await raised([4, 1], [3, 2])).toEqual({ schema: 3, semantics: 1 });
      expect(await raised([3, 2])).toEqual({ schema: 3, semantics: 2 });
      expect(await raised([1, 1])).toEqual({ schema: 3, semantics: 2 });
      await expect(ensureCluster(world.link, { partitions: 2, replicas: 1, leaseTtlMs: 1_000 })).rejects.toMatchObject({
        code: 'CLUSTER_TOO_NEW',
      });
    });

    it('changes the lease time only while no host is there', async () => {
      await start({ leaseTtlMs: 60_000 });
      const wanted = { partitions: 2, replicas: 1, leaseTtlMs: 2_000 };
      const revision = (await world.cluster.hosts.put('host-a', bytes('{}'), 0))!;
      await expect(ensureCluster(world.link, wanted)).rejects.toMatchObject({ code: 'CLUSTER_LEASE_TTL_MISMATCH' });
      await world.cluster.hosts.remove('host-a', revision);
      expect(await ensureCluster(world.link, wanted)).toMatchObject({ leaseTtlMs: 2_000 });
      const jsm = await jetstreamManager(world.link.nc);
      expect((await jsm.streams.info('KV_ATTUNE_LEASES')).config.max_age).toBe(2e9);
    });

    it('raises the journal limit of a cluster that exists', async () => {
      await start({ storage: { journalBytesMax: 20_000 } });
      await ensureCluster(world.link, {
        partitions: 2,
        replicas: 1,
        leaseTtlMs: 1_000,
        storage: { journalBytesMax: 1e6 },
      });
      const big = { subject: event(1).subject, payload: Buffer.alloc(50_000) };
      expect(codes(await world.cluster.journal(0).append([big]))).toEqual(['stored']);
    });

    it('numbers leases on, after all have expired and the server was killed', async () => {
      await start({ leaseTtlMs: 300 });
      const { leases } = world.cluster;
      let last = 0;
      for (let i = 0; i < 5; i++) last = (await leases.put(`${i}`, bytes('host'), 0))!;
      while ((await leases.keys('')).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      await world.server.kill();
      await world.server.restart();
      await linkIs(world, true);
      expect(await leases.put('0', bytes('host'), 0)).toBeGreaterThan(last);
    });

    it('keeps the last broadcast of each actor', async () => {
      await start();
      const subject = subjects.state('zone', '8a2a1072b59ffff');
      for (const n of [1, 2, 3]) await world.cluster.requests.broadcast(subject, bytes(`${n}`));
      await world.link.nc.flush();
      const jsm = await jetstreamManager(world.link.nc);
      expect((await jsm.streams.info(streams.state)).state.messages).toBe(1);
      expect((await jsm.streams.getMessage(streams.state, { last_by_subj: subject }))!.string()).toBe('3');
    });
  });

  describe('mappings', () => {
    it('passes the probe, which leaves nothing in the journals', async () => {
      await start();
      await probeMappings(world.link, 2, ['app']);
      for (const partition of [0, 1]) {
        expect(await world.cluster.journal(partition).info()).toMatchObject({ lastSequence: 0 });
      }
    });

    it('refuses a server that maps onto another number of partitions, and says what to add', async () => {
      await start();
      await expect(probeMappings(world.link, 4, ['app'])).rejects.toMatchObject({
        family: 'Configuration',
        code: 'NATS_MAPPINGS_MISSING',
        message: expect.stringContaining(
          'attune.p.{{partition(4,3)}}.event.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.>',
        ),
      });
    });

    it('refuses a server without mappings', async () => {
      await start();
      const bare = await startTestNats({ partitions: 0 });
      const link = await connect({ ...bare.engine, name: 'probe', log: silentLog });
      await expect(probeMappings(link, 2, ['app'])).rejects.toMatchObject({ code: 'NATS_MAPPINGS_MISSING' });
      await link.close();
      await bare.dispose();
    });

    it('does not take two apps with one message id for the same event', async () => {
      await start();
      const app = await connectApp();
      const header = headers();
      header.set('Nats-Msg-Id', '1');
      const tokens = ['a', 'b', 'c', 'd', 'e', 'f'].filter((token) => partitionOf(token, 2) === 0).slice(0, 2);
      for (const token of tokens) {
        app.nc.publish(subjects.event('user', token, 'click'), bytes('{}'), { headers: header });
        await app.nc.flush();
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      expect((await world.cluster.journal(0).info()).lastSequence).toBe(2);
    });

    it('carries an app to the owner and to the journal, which it cannot reach directly', async () => {
      await start();
      const app = await connectApp();
      const token = encodeToken('a user @ home');
      const partition = partitionOf(token, 2);
      const ask = subjects.request('user', token, 'decide');
      await expect(requestActor(app.nc, ask, bytes('?'), 500)).rejects.toMatchObject({
        family: 'Dependency',
        code: 'OWNER_UNREACHABLE',
        retryAfterMs: expect.any(Number),
      });
      world.cluster.requests.serve(partition, (request) => Promise.resolve(bytes(request.subject)));
      await world.link.nc.flush();
      const landed = subjects.partitionRequest(partition, 'app', 'user', token, 'decide');
      expect(Buffer.from(await requestActor(app.nc, ask, bytes('?'), 2_000)).toString()).toBe(landed);

      app.nc.publish(subjects.event('user', token, 'trip.completed'), bytes('{}'));
      app.nc.publish(subjects.record(partition, 'event', 'app', 'user', token, 'forged'), bytes('{}'));
      await app.nc.flush();
      const journal = world.cluster.journal(partition);
      expect((await journal.get(1))!.subject).toBe(
        subjects.record(partition, 'event', 'app', 'user', token, 'trip.completed'),
      );
      expect((await journal.info()).lastSequence).toBe(1);
    });
  });

  it('takes events to the journals of their actors, with tokens that say where', async () => {
    await start();
    const ingress = new JournalEventIngress((partition) => world.cluster.journal(partition), 2);
    const sent = Array.from({ length: 20 }, (_, n) => ({
      app: 'app',
      kind: 'user',
      token: `${n}`,
      type: 'click',
      payload: n === 7 ? Buffer.alloc(400_000) : bytes(`${n}`),
    }));
    const outcomes = await ingress.publish(sent);
    expect(codes(outcomes)).toEqual(sent.map((_, n) => (n === 7 ? 'RECORD_TOO_LARGE' : 'stored')));
    for (const [n, outcome] of outcomes.entries()) {
      if (n === 7) continue;
      const position = decodePosition(outcome.token!);
      expect(position.partition).toBe(partitionOf(`${n}`, 2));
      const journal = world.cluster.journal(position.partition);
      expect(position.identity).toBe((await journal.info()).identity);
      expect(Buffer.from((await journal.get(position.sequence))!.payload).toString()).toBe(`${n}`);
    }
    await world.server.stop();
    await linkIs(world, false);
    expect(codes(await ingress.publish(sent.slice(0, 2)))).toEqual(['JOURNAL_UNAVAILABLE', 'JOURNAL_UNAVAILABLE']);
    await world.server.restart();
  });

  it('refuses the events of an app that is left out to this app alone', async () => {
    await start({ apps: ['app', 'flood'] });
    const ingress = new JournalEventIngress((partition) => world.cluster.journal(partition), 2);
    const token = Array.from({ length: 50 }, (_, n) => `${n}`).find((text) => partitionOf(text, 2) === 0)!;
    const send = async (): Promise<unknown> =>
      codes(
        await Promise.all(
          ['app', 'flood'].map(async (app) => {
            const [outcome] = await ingress.publish([
              { app, kind: 'user', token, type: 'click', payload: bytes('{}') },
            ]);
            return outcome!;
          }),
        ),
      );
    const journal = world.cluster.journal(0);
    expect(await journal.room()).toMatchObject({ intake: 'all', leftOut: [] });
    await journal.take('all', ['flood']);
    expect(await journal.room()).toMatchObject({ intake: 'all', leftOut: ['flood'] });
    expect(await send()).toEqual(['stored', 'EVENTS_WAITING']);
    await journal.take('owned', []);
    expect(await journal.room()).toMatchObject({ intake: 'owned', leftOut: [] });
    await journal.take('all', []);
    expect(await send()).toEqual(['stored', 'stored']);
  });

  it('says why it cannot connect', async () => {
    await start();
    const { url } = world.server;
    await expect(connect({ url, user: 'engine', pass: 'wrong', name: 'x', log: silentLog })).rejects.toMatchObject({
      code: 'NATS_CREDENTIALS_REFUSED',
    });
    await expect(connect({ url: 'nats://u:secret@127.0.0.1:1', name: 'x', log: silentLog })).rejects.toMatchObject({
      code: 'NATS_UNREACHABLE',
      message: expect.not.stringContaining('secret'),
    });
  });
});
