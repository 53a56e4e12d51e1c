/** What the NATS adapters do when the server stops, forgets, refuses or is configured otherwise. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { AppendOutcome, JournalRecord } from '../../../src/actors/host/ports.js';
import { AckedPublisher } from '../../../src/actors/nats/acked-publisher.js';
import { ensureCluster } from '../../../src/actors/nats/bootstrap.js';
import { raiseWriteVersion } from '../../../src/actors/nats/cluster-constants.js';
import { connect, type NatsLink } from '../../../src/actors/nats/connection.js';
import { JournalEventIngress } from '../../../src/actors/nats/event-ingress.js';
import { probeMappings } from '../../../src/actors/nats/probe.js';
import { requestActor } from '../../../src/actors/nats/request-transport.js';
import { encodeToken, partitionOf } from '../../../src/kernel/ids.js';
import { streams, subjects } from '../../../src/messages/subjects.js';
import { decodePosition } from '../../../src/messages/tokens.js';
import { silentLog, startNatsWorld, type NatsWorld } from '../../support/nats-world.js';
import { startTestNats } from '../../support/nats.js';

jest.setTimeout(60_000);

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const event = (n: number) => ({ subject: subjects.record(0, 'event', 'user', '42', 'click'), payload: bytes(`${n}`) });
const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
const codes = (outcomes: readonly AppendOutcome[]) =>
  outcomes.map((outcome) => (outcome.status === 'refused' ? outcome.code : outcome.status));
const sequencesTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

/** A reader that keeps everything, and lets one wait for a sequence. */
function follow(world: NatsWorld, from = 1) {
  const records: JournalRecord[] = [];
  const losses: unknown[] = [];
  let changed: () => void = () => undefined;
  const reader = world.cluster.journal(0).read(
    from,
    (record) => {
      records.push(record);
      changed();
    },
    (error) => {
      losses.push(error);
      changed();
    },
  );
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough()) await new Promise<void>((resolve) => (changed = resolve));
  };
  return {
    reader,
    sequences: () => records.map((record) => record.sequence),
    reaches: (sequence: number) => until(() => (records.at(-1)?.sequence ?? 0) >= sequence),
    lost: async () => {
      await until(() => losses.length > 0);
      return losses[0];
    },
  };
}

const linkIs = (world: NatsWorld, up: boolean): Promise<void> =>
  new Promise((resolve) => {
    if (world.link.up === up) return resolve();
    const unwatch = world.link.watch({
      [up ? 'up' : 'down']: () => {
        unwatch();
        resolve();
      },
    });
  });

/** Appends each message until it is stored: a message may be stored more than once, never less. */
async function insist(world: NatsWorld, n: number): Promise<number> {
  for (;;) {
    const [outcome] = await world.cluster.journal(0).append([event(n)]);
    if (outcome!.status === 'stored') return outcome!.sequence;
    await linkIs(world, true);
    // The server may be up before its streams are.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('nats under adversity', () => {
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

  it.each(['stop', 'kill'] as const)('reads on, each record once, after the server has ended by %s', async (how) => {
    await start();
    await world.cluster.journal(0).append(events(1, 50));
    const before = await world.cluster.journal(0).info();
    const following = follow(world);
    await following.reaches(50);
    for (let round = 1; round <= 3; round++) {
      await world.server[how]();
      await linkIs(world, false);
      await world.server.restart();
      await linkIs(world, true);
      const sequence = await insist(world, 100 + round);
      await following.reaches(sequence);
    }
    following.reader.stop();
    const { lastSequence, identity } = await world.cluster.journal(0).info();
    expect(identity).toBe(before.identity);
    expect(following.sequences()).toEqual(sequencesTo(lastSequence));
  });

  it('loses nothing acknowledged while the server is killed under load', async () => {
    await start();
    const following = follow(world);
    const stored: number[] = [];
    let going = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; going; n++) stored.push(await insist(world, writer * 1e6 + n));
    });
    for (let round = 0; round < 3; round++) {
      const target = stored.length + 200;
      while (stored.length < target) await new Promise((resolve) => setImmediate(resolve));
      await world.server.kill();
      await world.server.restart();
    }
    going = false;
    await Promise.all(writers);
    const { lastSequence } = await world.cluster.journal(0).info();
    await following.reaches(lastSequence);
    following.reader.stop();
    expect(following.sequences()).toEqual(sequencesTo(lastSequence));
    expect(new Set(stored).size).toBe(stored.length);
    expect(Math.max(...stored)).toBeLessThanOrEqual(lastSequence);
  });

  it('reads on after its consumer was deleted', async () => {
    await start();
    await world.cluster.journal(0).append(events(1, 5));
    const following = follow(world);
    await following.reaches(5);
    const jsm = await jetstreamManager(world.link.nc);
    const consumers = await jsm.consumers.list(streams.journal(0)).next();
    expect(consumers).toHaveLength(1);
    await jsm.consumers.delete(streams.journal(0), consumers[0]!.name);
    await world.cluster.journal(0).append(events(6, 10));
    await following.reaches(10);
    following.reader.stop();
    expect(following.sequences()).toEqual(sequencesTo(10));
  });

  it('reads on, each record once, after the server was frozen past its heartbeats', async () => {
    await start();
    await world.cluster.journal(0).append(events(1, 5));
    const following = follow(world);
    await following.reaches(5);
    await world.server.pause();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    world.server.resume();
    const last = await insist(world, 6);
    await following.reaches(last);
    following.reader.stop();
    expect(following.sequences()).toEqual(sequencesTo(last));
  });

  it('reports a journal that is gone, and one that was made anew', async () => {
    await start();
    await world.cluster.journal(0).append(events(1, 5));
    const jsm = await jetstreamManager(world.link.nc);
    const first = follow(world);
    await first.reaches(5);
    await jsm.streams.delete(streams.journal(0));
    expect(await first.lost()).toMatchObject({ code: 'STREAM_MISSING' });
    expect(codes(await world.cluster.journal(0).append(events(1, 2)))).toEqual([
      'JOURNAL_UNAVAILABLE',
      'JOURNAL_UNAVAILABLE',
    ]);
    await expect(world.cluster.journal(0).info()).rejects.toMatchObject({ code: 'STREAM_MISSING' });

    await ensureCluster(world.link, { partitions: 2, replicas: 1, leaseTtlMs: 1_000 });
    const { identity } = await world.cluster.journal(0).info();
    await world.cluster.journal(0).append(events(1, 5));
    const second = follow(world);
    await second.reaches(5);
    await jsm.streams.delete(streams.journal(0));
    await ensureCluster(world.link, { partitions: 2, replicas: 1, leaseTtlMs: 1_000 });
    expect((await world.cluster.journal(0).info()).identity).not.toBe(identity);
    expect(await second.lost()).toMatchObject({ code: 'JOURNAL_REPLACED' });
  });

  it('stops with the error of a callback that throws, and leaves the connection whole', async () => {
    await start();
    await world.cluster.journal(0).append(events(1, 2));
    const lost = await new Promise((resolve) =>
      world.cluster.journal(0).read(
        1,
        () => {
          throw new Error('thrown by the fold');
        },
        resolve,
      ),
    );
    expect(lost).toMatchObject({ message: 'thrown by the fold' });
    expect(codes(await world.cluster.journal(0).append([event(3)]))).toEqual(['stored']);
  });

  describe('appending', () => {
    it('does not know the outcome of what was in flight when the connection broke, and refuses while it is down', async () => {
      await start();
      await world.server.pause();
      const inFlight = world.cluster.journal(0).append(events(1, 3));
      // Let it leave this process before the server ends.
      await new Promise((resolve) => setTimeout(resolve, 20));
      await world.server.kill();
      expect(codes(await inFlight)).toEqual(['unknown', 'unknown', 'unknown']);
      expect(world.link.up).toBe(false);
      expect(codes(await world.cluster.journal(0).append([event(4)]))).toEqual(['JOURNAL_UNAVAILABLE']);
      await expect(world.cluster.leases.get('0')).rejects.toMatchObject({ family: 'Dependency' });
      await world.server.restart();
      await linkIs(world, true);
      await insist(world, 5);
    });

    it('does not know the outcome of what is acknowledged too late, though it is stored', async () => {
      await start();
      const publisher = new AckedPublisher(world.link, { ackTimeoutMs: 100 });
      await world.server.pause();
      const late = publisher.publish(events(1, 3));
      expect(codes(await late)).toEqual(['unknown', 'unknown', 'unknown']);
      world.server.resume();
      // The same connection, so this is stored behind them.
      expect(await world.cluster.journal(0).append([event(4)])).toEqual([{ status: 'stored', sequence: 4 }]);
    });

    it('refuses when the journal is full, and recovers when there is room', async () => {
      await start({ journalBytesMax: 20_000 });
      const big = { subject: event(1).subject, payload: Buffer.alloc(5_000) };
      const outcomes = await world.cluster.journal(0).append(Array.from({ length: 8 }, () => big));
      expect(codes(outcomes)).toEqual([...Array<string>(3).fill('stored'), ...Array<string>(5).fill('JOURNAL_FULL')]);
      await world.cluster.journal(0).trim(3);
      expect(codes(await world.cluster.journal(0).append([big]))).toEqual(['stored']);
    });

    it('refuses the record that is too large, and stores its neighbours', async () => {
      await start();
      const large = (size: number) => ({ subject: event(1).subject, payload: Buffer.alloc(size) });
      const outcomes = await world.cluster.journal(0).append([event(1), large(400_000), large(2_000_000), event(2)]);
      expect(codes(outcomes)).toEqual(['stored', 'RECORD_TOO_LARGE', 'RECORD_TOO_LARGE', 'stored']);
    });

    it('refuses more than it may have in flight', async () => {
      await start();
      const one = event(1);
      const outcomes = await world.cluster.journal(0).append(new Array<typeof one>(200_000).fill(one));
      expect(new Set(codes(outcomes))).toEqual(new Set(['JOURNAL_OVERLOADED']));
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
  });

  describe('cluster', () => {
    it('is made once by many at a time, and again without harm', async () => {
      await start();
      await world.cluster.journal(0).append(events(1, 3));
      const options = { partitions: 2, replicas: 1, leaseTtlMs: 1_000 };
      const all = await Promise.all([1, 2, 3].map(() => ensureCluster(world.link, options)));
      expect(new Set(all.map((constants) => JSON.stringify(constants))).size).toBe(1);
      expect(await world.cluster.journal(0).info()).toMatchObject({ lastSequence: 3 });
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
      expect(await raiseWriteVersion(world.cluster.constants, [])).toBe(1);
      expect(await raiseWriteVersion(world.cluster.constants, [3, 1])).toBe(1);
      expect(await raiseWriteVersion(world.cluster.constants, [3, 2])).toBe(2);
      expect(await raiseWriteVersion(world.cluster.constants, [1])).toBe(2);
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
      await start({ journalBytesMax: 20_000 });
      await ensureCluster(world.link, { partitions: 2, replicas: 1, leaseTtlMs: 1_000, journalBytesMax: 1e6 });
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
      for (const n of [1, 2, 3]) world.cluster.requests.broadcast(subject, bytes(`${n}`));
      await world.link.nc.flush();
      const jsm = await jetstreamManager(world.link.nc);
      expect((await jsm.streams.info(streams.state)).state.messages).toBe(1);
      expect((await jsm.streams.getMessage(streams.state, { last_by_subj: subject }))!.string()).toBe('3');
    });
  });

  describe('mappings', () => {
    it('passes the probe, which leaves nothing in the journals', async () => {
      await start();
      await probeMappings(world.link, 2);
      for (const partition of [0, 1]) {
        expect(await world.cluster.journal(partition).info()).toMatchObject({ lastSequence: 0 });
      }
    });

    it('refuses a server that maps onto another number of partitions, and says what to add', async () => {
      await start();
      await expect(probeMappings(world.link, 4)).rejects.toMatchObject({
        family: 'Configuration',
        code: 'NATS_MAPPINGS_MISSING',
        message: expect.stringContaining('attune.p.{{partition(4,2)}}.event.{{wildcard(1)}}.{{wildcard(2)}}.>'),
      });
    });

    it('refuses a server without mappings', async () => {
      await start();
      const bare = await startTestNats({ partitions: 0 });
      const link = await connect({ ...bare.engine, name: 'probe', log: silentLog });
      await expect(probeMappings(link, 2)).rejects.toMatchObject({ code: 'NATS_MAPPINGS_MISSING' });
      await link.close();
      await bare.dispose();
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
      const landed = subjects.partitionRequest(partition, 'user', token, 'decide');
      expect(Buffer.from(await requestActor(app.nc, ask, bytes('?'), 2_000)).toString()).toBe(landed);

      app.nc.publish(subjects.event('user', token, 'trip.completed'), bytes('{}'));
      app.nc.publish(subjects.record(partition, 'event', 'user', token, 'forged'), bytes('{}'));
      await app.nc.flush();
      const journal = world.cluster.journal(partition);
      expect((await journal.get(1))!.subject).toBe(
        subjects.record(partition, 'event', 'user', token, 'trip.completed'),
      );
      expect((await journal.info()).lastSequence).toBe(1);
    });
  });

  it('takes events to the journals of their actors, with tokens that say where', async () => {
    await start();
    const ingress = new JournalEventIngress((partition) => world.cluster.journal(partition), 2);
    const sent = Array.from({ length: 20 }, (_, n) => ({
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
