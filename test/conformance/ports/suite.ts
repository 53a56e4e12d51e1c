/** What the host relies on, whoever implements the ports: run against the real server and the simulated one. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Cluster, Journal, JournalRecord, KeeperBuckets } from '../../../src/actors/host/ports.js';
import { EngineError } from '../../../src/kernel/errors.js';
import { subjects } from '../../../src/messages/subjects.js';

/** A fresh cluster of at least two partitions, with nothing stored. */
export interface PortsWorld {
  readonly cluster: Cluster & KeeperBuckets;
  /** Lets the world go on until the promise settles: at once where the world runs by itself. */
  drive<T>(promise: Promise<T>): Promise<T>;
  /** Lets so much time pass that what was last written to a bucket with a time to live is gone. */
  expireLeases(): Promise<void>;
  /** Sends a request as another process would; rejects where nobody serves the subject. */
  request(subject: string, payload: Uint8Array, trace?: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const text = (payload: Uint8Array): string => Buffer.from(payload).toString('utf8');
const event = (partition: number, n: number) => ({
  subject: subjects.record(partition, 'event', 'app', 'user', '42', 'click'),
  payload: bytes(`event ${n}`),
});
const events = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => event(partition, from + i));
const marker = (partition: number, n: number) => ({
  subject: subjects.control(partition, 'marker'),
  payload: bytes(`marker ${n}`),
});

/** Reads until `enough` says so; the records so far. */
function readUntil(journal: Journal, from: number, enough: (records: readonly JournalRecord[]) => boolean) {
  const records: JournalRecord[] = [];
  const done = new Promise<JournalRecord[]>((resolve, reject) => {
    const reader = journal.read(
      from,
      (record) => {
        records.push(record);
        if (!enough(records)) return;
        reader.stop();
        resolve(records);
      },
      reject,
    );
  });
  return done;
}
const upTo = (sequence: number) => (records: readonly JournalRecord[]) => records.at(-1)!.sequence >= sequence;

export function describePorts(name: string, makeWorld: () => Promise<PortsWorld>): void {
  describe(`${name}: ports`, () => {
    let world: PortsWorld;
    let journal: Journal;
    const drive = <T>(promise: Promise<T>): Promise<T> => world.drive(promise);
    const append = (...args: Parameters<Journal['append']>) => drive(journal.append(...args));

    beforeEach(async () => {
      world = await makeWorld();
      journal = world.cluster.journal(0);
    });
    afterEach(() => world.close());

    describe('journal', () => {
      it('is empty at first, and has an identity that stays', async () => {
        const before = await drive(journal.info());
        expect(before).toMatchObject({ firstSequence: 1, lastSequence: 0 });
        expect(before.identity).toMatch(/^[0-9a-zA-Z]{1,32}$/);
        await append([event(0, 1)]);
        const after = await drive(journal.info());
        expect(after).toEqual({ identity: before.identity, firstSequence: 1, lastSequence: 1 });
      });

      it('stores a group in order and gives each record its sequence', async () => {
        expect(await append(events(0, 1, 100))).toEqual(
          Array.from({ length: 100 }, (_, i) => ({ status: 'stored', sequence: i + 1 })),
        );
        expect(await append([])).toEqual([]);
      });

      it('stores calls in the order they were made, without waiting for one another', async () => {
        const outcomes = await drive(
          Promise.all([1, 2, 3, 4, 5].map((call) => journal.append(events(0, call * 10, call * 10 + 9)))),
        );
        expect(outcomes.flat().map((outcome) => outcome.status === 'stored' && outcome.sequence)).toEqual(
          Array.from({ length: 50 }, (_, i) => i + 1),
        );
        const records = await drive(readUntil(journal, 1, upTo(50)));
        expect(records.map((record) => text(record.payload))).toEqual(
          Array.from({ length: 50 }, (_, i) => `event ${i + 10}`),
        );
      });

      it('keeps the journals of partitions apart', async () => {
        await append([event(0, 1)]);
        await drive(world.cluster.journal(1).append([event(1, 7)]));
        expect(await drive(world.cluster.journal(1).info())).toMatchObject({ lastSequence: 1 });
        const [record] = await drive(readUntil(world.cluster.journal(1), 1, upTo(1)));
        expect(text(record!.payload)).toBe('event 7');
      });

      it('delivers what is stored once, ascending, and then what is new', async () => {
        await append(events(0, 1, 300));
        const reading = readUntil(journal, 1, upTo(303));
        await append(events(0, 301, 303));
        const records = await drive(reading);
        expect(records.map((record) => record.sequence)).toEqual(Array.from({ length: 303 }, (_, i) => i + 1));
        expect(records.map((record) => text(record.payload))).toEqual(
          Array.from({ length: 303 }, (_, i) => `event ${i + 1}`),
        );
        expect(records[0]!.subject).toBe(event(0, 1).subject);
      });

      it('says how many records wait behind the one delivered', async () => {
        await append(events(0, 1, 20));
        const records = await drive(readUntil(journal, 1, upTo(20)));
        expect(records.map((record) => record.pending)).toEqual(Array.from({ length: 20 }, (_, i) => 19 - i));
      });

      it('begins where it is told, also beyond the tail', async () => {
        await append(events(0, 1, 10));
        const middle = await drive(readUntil(journal, 7, upTo(10)));
        expect(middle.map((record) => record.sequence)).toEqual([7, 8, 9, 10]);
        const beyond = readUntil(journal, 12, upTo(13));
        await append(events(0, 11, 13));
        expect((await drive(beyond)).map((record) => record.sequence)).toEqual([12, 13]);
      });

      it('never calls back before read has returned, nor after stop', async () => {
        await append(events(0, 1, 10));
        let returned = false;
        const seen: number[] = [];
        const first = new Promise<void>((resolve, reject) => {
          const reader = journal.read(
            1,
            (record) => {
              if (!returned) reject(new Error('called back synchronously'));
              seen.push(record.sequence);
              if (record.sequence !== 3) return;
              reader.stop();
              reader.stop();
              resolve();
            },
            reject,
          );
        });
        returned = true;
        await drive(first);
        await append(events(0, 11, 12));
        await drive(readUntil(journal, 1, upTo(12)));
        expect(seen).toEqual([1, 2, 3]);
      });

      it('shows every reader the same records, with stored times that never fall', async () => {
        await append(events(0, 1, 5));
        await append(events(0, 6, 10));
        const one = await drive(readUntil(journal, 1, upTo(10)));
        const two = await drive(readUntil(journal, 1, upTo(10)));
        expect(two.map((record) => record.timestampMs)).toEqual(one.map((record) => record.timestampMs));
        expect(one.map((record) => record.timestampMs)).toEqual(
          one.map((record) => record.timestampMs).sort((a, b) => a - b),
        );
        expect(one.every((record) => Number.isInteger(record.timestampMs))).toBe(true);
      });

      it('gets one record as it was delivered, and nothing for a sequence without one', async () => {
        await append(events(0, 1, 3));
        const records = await drive(readUntil(journal, 1, upTo(3)));
        const { sequence, subject, timestampMs, payload } = records[1]!;
        const got = await drive(journal.get(2));
        expect(got).toMatchObject({ sequence, subject, timestampMs });
        expect(text(got!.payload)).toBe(text(payload));
        expect(await drive(journal.get(4))).toBeUndefined();
      });

      it('lists the control records from a sequence on', async () => {
        expect(await drive(journal.control(1))).toEqual([]);
        await append([event(0, 1), marker(0, 2), event(0, 3), marker(0, 4), marker(0, 5), event(0, 6)]);
        const found = await drive(journal.control(3));
        expect(found.map((record) => [record.sequence, text(record.payload)])).toEqual([
          [4, 'marker 4'],
          [5, 'marker 5'],
        ]);
        expect(await drive(journal.control(6))).toEqual([]);
        expect(await drive(journal.control(7))).toEqual([]);
        expect((await drive(journal.control(1))).map((record) => record.sequence)).toEqual([2, 4, 5]);
      });

      it('trims below a sequence and goes on counting', async () => {
        await append(events(0, 1, 10));
        await drive(journal.trim(6));
        expect(await drive(journal.info())).toMatchObject({ firstSequence: 6, lastSequence: 10 });
        expect(await drive(journal.get(5))).toBeUndefined();
        expect((await drive(readUntil(journal, 1, upTo(10))))[0]!.sequence).toBe(6);
        await drive(journal.trim(11));
        expect(await drive(journal.info())).toMatchObject({ firstSequence: 11, lastSequence: 10 });
        await drive(journal.trim(4));
        expect(await append([event(0, 11)])).toEqual([{ status: 'stored', sequence: 11 }]);
      });

      it('does not skip sequences when told to trim past its tail', async () => {
        await append(events(0, 1, 3));
        await drive(journal.trim(50));
        expect(await append([event(0, 4)])).toEqual([{ status: 'stored', sequence: 4 }]);
      });
    });

    describe.each(['experience', 'deadLetters'] as const)('%s', (stream) => {
      it('stores messages in order', async () => {
        const subject = stream === 'experience' ? subjects.experience('rider.pickup') : subjects.deadLetter(0, 1);
        const appender = world.cluster[stream];
        const messages = [1, 2, 3].map((n) => ({ subject, payload: bytes(`${n}`) }));
        const outcomes = [...(await drive(appender.append(messages))), ...(await drive(appender.append(messages)))];
        const sequences = outcomes.map((outcome) => (outcome.status === 'stored' ? outcome.sequence : Number.NaN));
        expect(sequences).toEqual([1, 2, 3, 4, 5, 6]);
      });
    });

    describe('key-value', () => {
      const key = 'user.a=2Eb-C_1';

      it('writes a key that is absent, and only then, for revision 0', async () => {
        const kv = world.cluster.snapshots(0);
        expect(await drive(kv.get(key))).toBeUndefined();
        const revision = await drive(kv.put(key, bytes('one'), 0));
        expect(revision).toBeGreaterThan(0);
        const stored = await drive(kv.get(key));
        expect(stored!.revision).toBe(revision);
        expect(text(stored!.value)).toBe('one');
        expect(await drive(kv.put(key, bytes('two'), 0))).toBeUndefined();
        expect(text((await drive(kv.get(key)))!.value)).toBe('one');
      });

      it('writes over the revision that it is told, and no other', async () => {
        const kv = world.cluster.snapshots(0);
        const first = (await drive(kv.put(key, bytes('one'), 0)))!;
        const second = (await drive(kv.put(key, bytes('two'), first)))!;
        expect(second).toBeGreaterThan(first);
        expect(await drive(kv.put(key, bytes('three'), first))).toBeUndefined();
        expect(await drive(kv.put(key, bytes('three'), second + 1))).toBeUndefined();
        expect(await drive(kv.put('absent', bytes('x'), second))).toBeUndefined();
        expect(text((await drive(kv.get(key)))!.value)).toBe('two');
      });

      it('raises revisions over the whole bucket', async () => {
        const kv = world.cluster.snapshots(0);
        const revisions: number[] = [];
        for (const k of ['a', 'b', 'c', 'd']) revisions.push((await drive(kv.put(k, bytes(k), 0)))!);
        expect(revisions).toEqual([...revisions].sort((x, y) => x - y));
        expect(new Set(revisions).size).toBe(4);
      });

      it('lets one of many racing writers win', async () => {
        const kv = world.cluster.leases;
        const attempts = await drive(
          Promise.all(Array.from({ length: 10 }, (_, n) => kv.put('0', bytes(`host ${n}`), 0))),
        );
        expect(attempts.filter((revision) => revision !== undefined)).toHaveLength(1);
      });

      it('removes at a revision, after which the key is absent and can be written anew', async () => {
        const kv = world.cluster.snapshots(0);
        const first = (await drive(kv.put(key, bytes('one'), 0)))!;
        const second = (await drive(kv.put(key, bytes('two'), first)))!;
        expect(await drive(kv.remove(key, first))).toBe(false);
        expect(await drive(kv.remove(key, 0))).toBe(false);
        expect(await drive(kv.remove(key, second))).toBe(true);
        expect(await drive(kv.get(key))).toBeUndefined();
        expect(await drive(kv.keys(''))).toEqual([]);
        expect(await drive(kv.put(key, bytes('late'), second))).toBeUndefined();
        const third = (await drive(kv.put(key, bytes('three'), 0)))!;
        expect(third).toBeGreaterThan(second);
        expect(text((await drive(kv.get(key)))!.value)).toBe('three');
        expect(await drive(kv.remove('never', 7))).toBe(false);
      });

      it('lists keys by prefix', async () => {
        const kv = world.cluster.snapshots(0);
        for (const k of ['user.1', 'user.12', 'user.2', 'users.1', 'zone.1', 'checkpoint']) {
          await drive(kv.put(k, bytes(k), 0));
        }
        const keys = async (prefix: string) => (await drive(kv.keys(prefix))).sort();
        expect(await keys('user.')).toEqual(['user.1', 'user.12', 'user.2']);
        expect(await keys('user.1')).toEqual(['user.1', 'user.12']);
        expect(await keys('user')).toEqual(['user.1', 'user.12', 'user.2', 'users.1']);
        expect(await keys('')).toHaveLength(6);
        expect(await keys('nobody.')).toEqual([]);
      });

      it('keeps buckets apart', async () => {
        await drive(world.cluster.snapshots(0).put(key, bytes('one'), 0));
        expect(await drive(world.cluster.snapshots(1).get(key))).toBeUndefined();
      });

      it('carries any bytes', async () => {
        const kv = world.cluster.snapshots(0);
        const value = Uint8Array.from({ length: 256 }, (_, i) => i);
        await drive(kv.put('bytes', value, 0));
        expect(Buffer.from((await drive(kv.get('bytes')))!.value)).toEqual(Buffer.from(value));
        await drive(kv.put('nothing', new Uint8Array(0), 0));
        expect((await drive(kv.get('nothing')))!.value).toHaveLength(0);
      });

      it.each(['leases', 'hosts'] as const)(
        'forgets %s by itself, and their revisions go on rising',
        async (bucket) => {
          const kv = world.cluster[bucket];
          const first = (await drive(kv.put('0', bytes('host a'), 0)))!;
          await world.expireLeases();
          expect(await drive(kv.get('0'))).toBeUndefined();
          expect(await drive(kv.keys(''))).toEqual([]);
          expect(await drive(kv.put('0', bytes('late'), first))).toBeUndefined();
          expect(await drive(kv.put('0', bytes('host b'), 0))).toBeGreaterThan(first);
        },
      );
    });

    describe('requests', () => {
      const ask = subjects.partitionRequest(0, 'app', 'user', '42', 'decide');

      it('hands a request over with its subject, body and trace, and replies', async () => {
        world.cluster.requests.serve(0, (request) =>
          Promise.resolve(bytes(`${request.subject} ${text(request.payload)} ${request.trace}`)),
        );
        expect(text(await drive(world.request(ask, bytes('hello'), 'trace-1')))).toBe(`${ask} hello trace-1`);
        expect(text(await drive(world.request(ask, bytes('hello'))))).toBe(`${ask} hello undefined`);
      });

      it('serves its own partition only, until it is stopped', async () => {
        const stop = world.cluster.requests.serve(1, () => Promise.resolve(bytes('one')));
        await expect(drive(world.request(ask, bytes('')))).rejects.toThrow();
        const other = subjects.partitionRequest(1, 'app', 'zone', '8a2a', 'view');
        expect(text(await drive(world.request(other, bytes(''))))).toBe('one');
        stop();
        await expect(drive(world.request(other, bytes('')))).rejects.toThrow();
      });

      it('answers with the code of an error, and nothing of its inside', async () => {
        world.cluster.requests.serve(0, () => Promise.reject(new Error('secret detail')));
        world.cluster.requests.serve(1, () => Promise.reject(new EngineError('NotFound', 'NO_SUCH_THING', 'No.')));
        const hidden = text(await drive(world.request(ask, bytes(''))));
        expect(JSON.parse(hidden)).toMatchObject({ error: { family: 'Invariant', code: 'INTERNAL' } });
        expect(hidden).not.toMatch(/secret|stack/);
        const other = subjects.partitionRequest(1, 'app', 'user', '42', 'decide');
        expect(JSON.parse(text(await drive(world.request(other, bytes('')))))).toMatchObject({
          error: { family: 'NotFound', code: 'NO_SUCH_THING' },
        });
      });
    });
  });
}
