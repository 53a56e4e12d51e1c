import { beforeEach, describe, expect, it } from '@jest/globals';
import { createTotals, HandClock, MemoryBucket, SETTINGS, type Total } from '../../../test/support/host-world.js';
import { systemClock } from '../../kernel/clock.js';
import { Slices } from '../../kernel/slices.js';
import { ActivationStore } from './activation-store.js';
import { Activation } from './activation.js';
import { Checkpointer, loadCheckpoint } from './checkpointer.js';
import type { PartitionFold } from './fold.js';
import { CHUNK_BYTES } from './large-values.js';
import { freshPartitionState, type PartitionState } from './partition-state.js';
import { ALL_PROTECTIONS } from './protections.js';
import { TimerIndex } from './timer-index.js';
import { tallyKind } from '../../../test/support/host-world.js';

const shared = createTotals();
let bucket: MemoryBucket;
let state: PartitionState<Total>;
let acknowledge: (() => void) | undefined;
let isOwner: boolean;

beforeEach(() => {
  bucket = new MemoryBucket();
  state = freshPartitionState(SETTINGS, shared.create(), false);
  acknowledge = undefined;
  isOwner = true;
});

async function tenure(epoch: number, timers = new TimerIndex(), slices = new Slices(systemClock)) {
  const position = () => ({ epoch, sequence: state.sequence, identity: 'id', fingerprint: 'f' });
  const common = {
    snapshots: bucket,
    epoch,
    protections: ALL_PROTECTIONS,
    slices,
    position,
    acknowledged: () => (acknowledge ? new Promise<void>((resolve) => (acknowledge = resolve)) : Promise.resolve()),
    assertOwner: () => {
      if (!isOwner) throw Object.assign(new Error('not the owner'), { code: 'NOT_OWNER' });
    },
  };
  const kinds = new Map([['user', tallyKind as never]]);
  const store = new ActivationStore({ ...common, kinds, clock: new HandClock(), verify: () => undefined });
  const fold = { state, timers } as PartitionFold<Total>;
  const loaded = await loadCheckpoint(bucket, shared);
  return { store, checkpointer: new Checkpointer<Total>({ ...common, store, fold, loaded }) };
}

const touch = async (store: ActivationStore, token: string): Promise<Activation> => {
  const activation = await store.activate({ kind: 'user', token });
  activation.state = { sum: 1 };
  activation.touchedSequence = activation.sequence = state.sequence;
  store.markDirty(activation);
  return activation;
};
const stored = () => bucket.json<{ epoch: number; sequence: number }>('checkpoint');
const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the checkpointer', () => {
  it('does not cover what came while it was written', async () => {
    const { store, checkpointer } = await tenure(1);
    state.sequence = 5;
    await touch(store, 'a');
    acknowledge = () => undefined;
    const written = checkpointer.run();
    await rest();
    state.sequence = 9;
    // The save of the actor waits for its outputs, and then the checkpoint for its own.
    for (let i = 0; i < 3; i++) {
      acknowledge();
      await rest();
    }
    await written;
    expect(stored()).toMatchObject({ sequence: 5 });
    expect(checkpointer.sequence).toBe(5);
  });

  it('says only what is saved: the actors first, at this sequence or later', async () => {
    const { store, checkpointer } = await tenure(1);
    state.sequence = 5;
    await touch(store, 'a');
    const order: string[] = [];
    const { put } = bucket;
    bucket.put = (key, ...more) => {
      order.push(key);
      return put(key, ...more);
    };
    await checkpointer.run();
    expect(order).toEqual(['user.a', 'checkpoint']);
    expect(stored()).toMatchObject({ epoch: 1, sequence: 5 });
    expect(store.dirtyCount).toBe(0);
  });

  it('waits for the outputs of all it covers', async () => {
    acknowledge = () => undefined;
    const { checkpointer } = await tenure(1);
    state.sequence = 5;
    const run = checkpointer.run();
    await rest();
    expect(stored()).toBeUndefined();
    acknowledge();
    await run;
    expect(stored()).toMatchObject({ sequence: 5 });
  });

  it('covers the state as it was when the run began', async () => {
    acknowledge = () => undefined;
    const { checkpointer } = await tenure(1);
    state.sequence = 5;
    state.watermarks.set('1:id', [1, 0]);
    const run = checkpointer.run();
    await rest();
    state.sequence = 6;
    state.watermarks.set('1:id', [2, 0]);
    acknowledge();
    await run;
    expect((await loadCheckpoint(bucket, shared))!.checkpoint.state).toMatchObject({ sequence: 5 });
    expect((await loadCheckpoint(bucket, shared))!.checkpoint.state.watermarks.get('1:id')).toEqual([1, 0]);
  });

  it('steps down before a later epoch, and writes over an earlier one', async () => {
    const { checkpointer: old } = await tenure(1);
    const { checkpointer: later } = await tenure(2);
    state.sequence = 5;
    await old.run();
    await later.run();
    expect(stored()).toMatchObject({ epoch: 2 });
    state.sequence = 6;
    await expect(old.run()).rejects.toMatchObject({ code: 'STALE_OWNER' });
    expect(stored()).toMatchObject({ epoch: 2, sequence: 5 });
  });

  it('writes nothing once the tenure has ended', async () => {
    acknowledge = () => undefined;
    const { checkpointer } = await tenure(1);
    state.sequence = 5;
    const run = checkpointer.run();
    await rest();
    isOwner = false;
    acknowledge();
    await expect(run).rejects.toMatchObject({ code: 'NOT_OWNER' });
    expect(stored()).toBeUndefined();
    expect(checkpointer.sequence).toBe(0);
  });

  it('cuts what is larger than a message, and leaves nothing of it behind', async () => {
    const timers = new TimerIndex();
    for (let i = 0; i < 20_000; i++) timers.set(`user.${'x'.repeat(40)}-${i}`, 1_000 + i, i);
    const { checkpointer } = await tenure(1, timers);
    state.sequence = 5;
    await checkpointer.run();
    const chunks = (): string[] => [...bucket.stored.keys()].filter((key) => key.startsWith('chunk.'));
    expect(chunks().length).toBeGreaterThan(1);
    expect([...bucket.stored.values()].every(({ value }) => value.length <= CHUNK_BYTES)).toBe(true);
    const { checkpointer: next } = await tenure(2, timers);
    expect(next.sequence).toBe(5);
    expect((await loadCheckpoint(bucket, shared))!.checkpoint.timers).toHaveLength(20_000);
    state.sequence = 6;
    await next.run();
    expect(chunks().every((key) => key.startsWith('chunk.checkpoint.2.6.'))).toBe(true);
    const { checkpointer: small } = await tenure(3);
    state.sequence = 7;
    await small.run();
    expect(chunks()).toEqual([]);
  });

  it('is damaged where a chunk is gone for good', async () => {
    const chunks = ['chunk.checkpoint.1.1.1.0'];
    await bucket.put('checkpoint', Buffer.from(JSON.stringify({ chunks, epoch: 1, sequence: 1 })), 0);
    await expect(loadCheckpoint(bucket, shared)).rejects.toMatchObject({ code: 'CHECKPOINT_DAMAGED' });
    bucket.stored.clear();
    await bucket.put('checkpoint', Buffer.from('{'), 0);
    await expect(loadCheckpoint(bucket, shared)).rejects.toMatchObject({ code: 'CHECKPOINT_DAMAGED' });
  });

  it('remembers when it was where, thinned out, and names nothing that is not stored', async () => {
    const { checkpointer } = await tenure(1);
    for (let i = 1; i <= 2_000; i++) {
      state.sequence = i;
      state.foldTimeMs = i * 10;
      await checkpointer.run();
    }
    expect((await loadCheckpoint(bucket, shared))!.checkpoint.marks.length).toBeLessThanOrEqual(512);
    const found = checkpointer.oldest(15_000)!;
    expect(found).toBeLessThan(1_500);
    expect(found).toBeGreaterThan(1_000);
    checkpointer.trimmed(found);
    expect(checkpointer.oldest(found * 10 + 1)).toBeUndefined();
    bucket.put = () => Promise.reject(new Error('out of reach'));
    state.sequence = 3_000;
    state.foldTimeMs = 30_000;
    await expect(checkpointer.run()).rejects.toThrow('out of reach');
    expect(checkpointer.oldest(Infinity)).toBe(2_000);
  });

  it('works in slices, and what it stores is of one moment, whatever is folded in between', async () => {
    const turns: (() => void)[] = [];
    const clock = { monotonicMs: () => 0, soon: (task: () => void) => void turns.push(task) };
    const timers = new TimerIndex();
    for (let n = 0; n < 10_000; n++) timers.set(`user.${n}`, 1_000 + n, 1);
    const { store, checkpointer } = await tenure(1, timers, new Slices(clock, { sliceMs: 5, slicePiecesMax: 3 }));
    state.sequence = 7;
    state.shared = { total: 7 };
    for (let n = 0; n < 50; n++) await touch(store, `u${n}`);
    let done = false;
    void checkpointer.run().then(() => (done = true));
    let turned = 0;
    while (!done) {
      await rest();
      // The fold goes on, a record a turn: it moves the state, an actor and the timers.
      turned++;
      state.sequence++;
      state.shared = { total: state.sequence };
      timers.set(`user.${turned}`, 0, 0);
      timers.set(`late.${turned}`, 5_000, state.sequence);
      for (const task of turns.splice(0)) task();
    }
    expect(turned).toBeGreaterThan(20);
    const { checkpoint } = (await loadCheckpoint(bucket, shared))!;
    expect(checkpoint).toMatchObject({ position: { sequence: 7 }, state: { sequence: 7, shared: { total: 7 } } });
    const kept = new Map([...checkpoint.timers].map(([key, due]) => [key, due]));
    for (let n = turned + 1; n < 10_000; n++) if (kept.get(`user.${n}`) !== 1_000 + n) throw new Error(`user.${n}`);
    expect(bucket.stored.size).toBe(51);
  });
});
