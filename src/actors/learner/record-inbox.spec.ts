import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { RecordInbox, type ExperienceSource } from './record-inbox.js';

function source() {
  const reads: number[] = [];
  const open = new Set<(sequence: number, pending: number) => void>();
  let fail: (error: unknown) => void = () => undefined;
  const port: ExperienceSource = {
    info: () => Promise.reject(new Error('not asked')),
    read: (from, onRecord, onLost) => {
      reads.push(from);
      const deliver = (sequence: number, pending: number): void =>
        onRecord({ sequence, pending, subject: 's', payload: new Uint8Array(0), timestampMs: 0 });
      open.add(deliver);
      fail = onLost;
      return { stop: () => void open.delete(deliver) };
    },
  };
  const push = (sequence: number, pending: number): void => open.forEach((deliver) => deliver(sequence, pending));
  return { port, reads, push, open, fail: (error: unknown) => fail(error) };
}
const sequences = (chunk: { records: readonly { sequence: number }[] }): number[] =>
  chunk.records.map(({ sequence }) => sequence);

describe('a record inbox', () => {
  it('hands out what came, in order, and says when nothing is left', async () => {
    const { port, push } = source();
    const inbox = new RecordInbox(port, systemClock, 1);
    for (const sequence of [1, 2, 3]) push(sequence, 3 - sequence);
    const first = await inbox.next(2, undefined);
    expect([sequences(first), first.idle]).toEqual([[1, 2], false]);
    const second = await inbox.next(2, undefined);
    expect([sequences(second), second.idle]).toEqual([[3], true]);
  });

  it('waits for what comes next, no longer than it is told, and not after it was closed', async () => {
    const { port, push } = source();
    const inbox = new RecordInbox(port, systemClock, 1);
    const waiting = inbox.next(10, undefined);
    push(7, 4);
    expect(sequences(await waiting)).toEqual([7]);
    expect(await inbox.next(10, 1)).toEqual({ records: [], idle: false });
    const last = inbox.next(10, undefined);
    inbox.close();
    expect(sequences(await last)).toEqual([]);
  });

  it('gathers what comes soon after the first, up to as many as are wanted', async () => {
    const { port, push } = source();
    const inbox = new RecordInbox(port, systemClock, 1, 20);
    const some = inbox.next(10, undefined);
    push(1, 0);
    await new Promise((resolve) => setImmediate(resolve));
    push(2, 0);
    expect(sequences(await some)).toEqual([1, 2]);
    const patient = new RecordInbox(port, systemClock, 3, 1_000_000);
    const enough = patient.next(2, undefined);
    push(3, 0);
    push(4, 0);
    expect(sequences(await enough)).toEqual([3, 4]);
    push(5, 0);
    const last = patient.next(2, undefined);
    patient.close();
    expect(sequences(await last)).toEqual([5]);
  });

  it('stops reading when it is full, and goes on behind the last it took', async () => {
    const { port, push, reads, open } = source();
    const inbox = new RecordInbox(port, systemClock, 1);
    for (let sequence = 1; sequence <= 5000; sequence++) push(sequence, 5000 - sequence);
    expect(open.size).toBe(0);
    const taken = sequences(await inbox.next(4000, undefined));
    expect(reads).toEqual([1, 4097]);
    for (let sequence = 4097; sequence <= 5000; sequence++) push(sequence, 5000 - sequence);
    taken.push(...sequences(await inbox.next(4000, undefined)));
    expect(taken).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
  });

  it('rejects once the stream is lost', async () => {
    const { port, fail } = source();
    const inbox = new RecordInbox(port, systemClock, 1);
    const waiting = inbox.next(1, undefined);
    fail(new EngineError('Dependency', 'STREAM_MISSING', 'gone'));
    await expect(waiting).rejects.toMatchObject({ code: 'STREAM_MISSING' });
  });
});
