import { describe, expect, it } from '@jest/globals';
import { appendBarrier, appendDecision, appendEvent, decisionBodyOf } from '../../../test/support/facts.js';
import { MemoryStream } from '../../../test/support/memory-stream.js';
import { subjects } from '../../messages/subjects.js';
import { systemClock, type Clock } from '../../kernel/clock.js';
import { FRESH_CURSOR, type Cursor } from './cursor.js';
import { FactsSink } from './facts-sink.js';
import type { FactsBatch, FactsWriter, SinkLimits } from './sink-ports.js';

/** A database in memory that can be held up and told to fail. */
class MemoryWriter implements FactsWriter {
  readonly batches: FactsBatch[] = [];
  readonly positions = new Map<string, Cursor>();
  failures: Error[] = [];
  gate: Promise<void> = Promise.resolve();
  waiting = 0;

  async claim(work: () => Promise<void>): Promise<boolean> {
    await work();
    return true;
  }

  load(sources: readonly string[]): Promise<ReadonlyMap<string, Cursor>> {
    return Promise.resolve(new Map(sources.map((name) => [name, this.positions.get(name) ?? FRESH_CURSOR])));
  }

  async commit(batch: FactsBatch): Promise<{ unstorable: number }> {
    this.waiting++;
    await this.gate;
    this.waiting--;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.batches.push(batch);
    for (const { source, to } of batch.positions) this.positions.set(source, to);
    return { unstorable: 0 };
  }

  get ids(): string[] {
    const changes = this.batches.flatMap((batch) => batch.changes);
    return changes.map((change) => (change.kind === 'decision' ? JSON.parse(change.json).id : change.kind));
  }
}

/** Waits pass at once; what was waited for is written down. */
function hastyClock(waits: number[]): Clock {
  return {
    ...systemClock,
    after: (delayMs, task) => {
      waits.push(delayMs);
      const pending = setImmediate(task);
      return () => clearImmediate(pending);
    },
  };
}

function setUp(count: number, limits: Partial<SinkLimits> = {}) {
  const journal = new MemoryStream();
  const writer = new MemoryWriter();
  const waits: number[] = [];
  appendBarrier(journal, 0, [5, 0]);
  const ids = Array.from({ length: count }, (_, i) => `d${i}`);
  for (const id of ids) appendDecision(journal, 0, [5, 0], decisionBodyOf(id));
  const clock = hastyClock(waits);
  const sink = new FactsSink({ sources: { partitions: 1, journal: () => journal }, writer, clock, limits });
  return { journal, writer, sink, waits, ids };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('FactsSink', () => {
  it('stops reading when its buffer is full, and goes on where it was', async () => {
    const { journal, writer, sink, ids } = setUp(2_000, { batchRows: 50, bufferRows: 200 });
    let open = (): void => undefined;
    writer.gate = new Promise((resolve) => (open = resolve));
    sink.start();
    await until(() => writer.waiting === 1 && journal.readers === 0);
    expect(sink.status().bufferedRows).toBe(200);
    open();
    await until(() => writer.ids.length === 2_000);
    expect(writer.ids).toEqual(ids);
    expect(Math.max(...writer.batches.map((batch) => batch.changes.length))).toBeLessThanOrEqual(50);
    expect(journal.opened).toBeGreaterThan(5);
    await sink.stop();
  });

  it('backs off longer after each failure in a row, and anew after a success', async () => {
    const { writer, sink, waits, journal } = setUp(1, { lingerMs: 1, backoffMinMs: 100, backoffMaxMs: 300 });
    writer.failures = Array.from({ length: 4 }, () => new Error('down'));
    sink.start();
    await until(() => writer.ids.length === 1);
    writer.failures = [new Error('down')];
    appendDecision(journal, 0, [5, 0], decisionBodyOf('late'));
    await until(() => writer.ids.length === 2);
    expect(waits.filter((ms) => ms >= 100)).toEqual([100, 200, 300, 300, 100]);
    expect(writer.ids).toEqual(['d0', 'late']);
    await sink.stop();
  });

  it('says why it is not sinking', async () => {
    const { sink, journal } = setUp(0);
    const seen: string[] = [];
    journal.info = () => Promise.reject(new Error('no stream'));
    const told = new FactsSink({
      sources: { partitions: 1, journal: () => journal },
      writer: new MemoryWriter(),
      clock: hastyClock([]),
      onState: ({ state, reason }) => seen.push(reason === undefined ? state : `${state}: ${reason}`),
    });
    told.start();
    await until(() => told.status().state === 'retrying');
    await told.stop();
    expect(seen.slice(0, 3)).toEqual(['starting', 'sinking', 'retrying: no stream']);
    expect(seen.at(-1)).toBe('stopped');
    await sink.stop();
  });

  it('keeps itself to a rate', async () => {
    const { writer, sink, waits } = setUp(100, { batchRows: 20, lingerMs: 1, rowsPerSecondMax: 1 });
    sink.start();
    await until(() => writer.ids.length === 100);
    expect(waits.filter((ms) => ms > 10_000)).not.toHaveLength(0);
    await sink.stop();
  });

  it('moves the position past records without facts', async () => {
    const { writer, sink, journal } = setUp(0);
    for (let i = 0; i < 10; i++) appendEvent(journal, 0);
    sink.start();
    await until(() => writer.positions.get('partition/0')?.sequence === 11);
    await sink.stop();
    expect(writer.ids).toEqual([]);
  });

  it('commits what it has read before it stops', async () => {
    const { writer, sink, ids } = setUp(10, { lingerMs: 1 });
    sink.start();
    await until(() => sink.status().bufferedRows > 0 || writer.ids.length > 0);
    await sink.stop();
    expect(writer.ids).toEqual(ids);
    expect(sink.status().state).toBe('stopped');
  });

  it.each([
    ['a newer build has written', { v: 99 }, 'DATA_TOO_NEW'],
    ['an older build has written', { v: 1 }, 'DATA_TOO_OLD'],
  ])('leaves a stream alone at a record that %s, and goes on with the others', async (_, record, code) => {
    const journals = [new MemoryStream('id0'), new MemoryStream('id1')];
    const writer = new MemoryWriter();
    const clock = hastyClock([]);
    const states: string[] = [];
    const sink = new FactsSink({
      sources: { partitions: 2, journal: (partition) => journals[partition]! },
      writer,
      clock,
      limits: { lingerMs: 1 },
      onState: ({ state }) => states.push(state),
    });
    journals.forEach((journal, partition) => {
      appendBarrier(journal, partition, [5, 0]);
      appendDecision(journal, partition, [5, 0], decisionBodyOf(`before-${partition}`));
    });
    journals[0]!.append(subjects.record(0, 'decision', 'app', 'user', '42'), record);
    appendDecision(journals[0]!, 0, [5, 0], decisionBodyOf('behind'));
    sink.start();
    await until(() => writer.ids.length === 2 && 'partition/0' in sink.status().refused);
    appendDecision(journals[1]!, 1, [5, 0], decisionBodyOf('after'));
    await until(() => writer.ids.length === 3);
    expect(writer.ids.toSorted()).toEqual(['after', 'before-0', 'before-1']);
    expect(sink.status()).toMatchObject({
      state: 'sinking',
      refused: { 'partition/0': expect.stringContaining(`record 3 cannot be read. ${code}`) },
    });
    expect(states).not.toContain('retrying');
    expect(writer.positions.get('partition/0')?.sequence).toBe(2);
    await sink.stop();
  });

  it('fails the attempt, and reads again, when a stream is lost', async () => {
    const { writer, sink, journal, ids } = setUp(5);
    sink.start();
    await until(() => writer.ids.length === 5);
    const opened = journal.opened;
    journal.lose();
    await until(() => journal.opened > opened);
    appendDecision(journal, 0, [5, 0], decisionBodyOf('next'));
    await until(() => writer.ids.length === 6);
    expect(writer.ids).toEqual([...ids, 'next']);
    await sink.stop();
  });
});
