/** What the NATS adapters do when the server stops, hangs, forgets or refuses. */
import { cp, rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { AppendOutcome, JournalRecord } from '../../../src/actors/host/ports.js';
import { AckedPublisher } from '../../../src/actors/nats/acked-publisher.js';
import { ensureCluster } from '../../../src/actors/nats/bootstrap.js';
import { streams, subjects } from '../../../src/messages/subjects.js';
import { linkIs, startNatsWorld, type NatsWorld } from '../../support/nats-world.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const event = (n: number) => ({
  subject: subjects.record(0, 'event', 'app', 'user', '42', 'click'),
  payload: bytes(`${n}`),
});
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
  const start = async (options: Partial<Parameters<typeof startNatsWorld>[0]> = {}): Promise<NatsWorld> =>
    (world = await startNatsWorld({ partitions: 2, leaseTtlMs: 1_000, ...options }));
  afterEach(() => world.dispose());

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

  it('reports a journal that lost its end, also where it has grown past what was read', async () => {
    await start();
    const { server } = world;
    const other = `${server.dataDir}.other`;
    const exchange = async (from: string, to: string): Promise<void> => {
      await server.stop();
      await rm(to, { recursive: true, force: true });
      await cp(from, to, { recursive: true });
      await server.restart();
      await linkIs(world, true);
    };
    await insist(world, 1);
    await exchange(server.dataDir, `${server.dataDir}.one`);
    // What the journal will have become without the reader's knowledge: longer, and another from the second record on.
    for (const n of [20, 30, 40]) await insist(world, n);
    await exchange(server.dataDir, other);
    await exchange(`${server.dataDir}.one`, server.dataDir);
    await insist(world, 2);
    const following = follow(world);
    await following.reaches(2);
    await exchange(other, server.dataDir);
    expect(await following.lost()).toMatchObject({ code: 'JOURNAL_REWOUND' });
    expect(following.sequences()).toEqual([1, 2]);
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
      await start({ storage: { journalBytesMax: 20_000 } });
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
  });
});
