import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../kernel/clock.js';
import { Slices } from '../../kernel/slices.js';
import { ActivationStore, type ActivationStoreOptions } from './activation-store.js';
import type { ActorKind } from './actor-kind.js';
import { CHUNK_BYTES } from './large-values.js';
import type { KeyValue, Stored } from './ports.js';
import { ALL_PROTECTIONS } from './protections.js';

const kind = {
  kind: 'user',
  create: () => ({ n: 0 }),
  isVacant: (state: { n: number }) => state.n === 0,
  revive: (saved: unknown) => saved,
} as unknown as ActorKind<unknown, never, never>;
const address = { kind: 'user', token: 'a' } as const;

/** A bucket whose puts take as long as the test lets them. */
class SlowBucket implements KeyValue {
  readonly stored = new Map<string, Stored>();
  private revision = 0;

  get = (key: string): Promise<Stored | undefined> => Promise.resolve(this.stored.get(key));
  put = (key: string, value: Uint8Array, expected: number): Promise<number | undefined> => {
    if ((this.stored.get(key)?.revision ?? 0) !== expected) return Promise.resolve(undefined);
    this.stored.set(key, { value, revision: ++this.revision });
    return Promise.resolve(this.revision);
  };
  remove = (key: string, expected: number): Promise<boolean> =>
    Promise.resolve(this.stored.get(key)?.revision === expected && this.stored.delete(key));
  keys = (prefix: string): Promise<string[]> =>
    Promise.resolve([...this.stored.keys()].filter((key) => key.startsWith(prefix)));
}

let nowMs = 0;

function storeOn(
  bucket: KeyValue,
  sequence: () => number,
  more: Partial<ActivationStoreOptions> = {},
): ActivationStore {
  return new ActivationStore({
    snapshots: bucket,
    kinds: new Map([['user', kind]]),
    clock: { ...systemClock, monotonicMs: () => nowMs },
    protections: ALL_PROTECTIONS,
    slices: new Slices(systemClock),
    epoch: 5,
    position: () => ({ epoch: 5, sequence: sequence(), identity: 'id', fingerprint: 'f' }),
    verify: () => undefined,
    assertOwner: () => undefined,
    acknowledged: () => Promise.resolve(),
    ...more,
  });
}

const sequenceIn = (bucket: SlowBucket): number =>
  (JSON.parse(Buffer.from(bucket.stored.get('user.a')!.value).toString()) as { sequence: number }).sequence;

describe('the activation store', () => {
  it('stores no snapshot before the outputs of all it holds are acknowledged', async () => {
    const bucket = new SlowBucket();
    let acknowledge = (): void => undefined;
    const asked: number[] = [];
    const store = storeOn(bucket, () => 7, {
      acknowledged: (sequence) => {
        asked.push(sequence);
        return new Promise((resolve) => (acknowledge = resolve));
      },
    });
    const actor = await store.activate(address);
    actor.state = { n: 1 };
    actor.touchedSequence = 7;
    const saved = store.save(actor);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toEqual([7]);
    expect(bucket.stored.size).toBe(0);
    acknowledge();
    await saved;
    expect(bucket.stored.size).toBe(1);
  });

  it("keeps a vacant actor's snapshot until the checkpoint has passed it and an hour has gone by", async () => {
    const bucket = new SlowBucket();
    const store = storeOn(bucket, () => 7);
    const actor = await store.activate(address);
    actor.touchedSequence = 7;
    await store.save(actor);
    expect(bucket.stored.size).toBe(1);
    nowMs += 2 * 3_600_000;
    await store.checkpointed(6);
    expect(bucket.stored.size).toBe(1);
    await store.checkpointed(7);
    expect(bucket.stored.size).toBe(0);
    actor.touchedSequence = 8;
    actor.revision = 0;
    await store.save(actor);
    await store.checkpointed(99);
    expect(bucket.stored.size).toBe(1);
  });

  it('never lets an older save replace a newer one', async () => {
    const bucket = new SlowBucket();
    let sequence = 10;
    const waiting: (() => void)[] = [];
    const store = storeOn(bucket, () => sequence, {
      acknowledged: () => new Promise((resolve) => waiting.push(resolve)),
    });
    const activation = await store.activate(address);
    activation.state = { n: 1 };
    activation.touchedSequence = 10;
    store.markDirty(activation);
    const first = store.save(activation);
    sequence = 12;
    activation.state = { n: 2 };
    activation.touchedSequence = 12;
    const second = store.save(activation);
    // The outputs of the later save are acknowledged first, were it to ask for them already.
    let saved = false;
    const both = Promise.all([first, second]).then(() => (saved = true));
    while (!saved) {
      await new Promise((resolve) => setImmediate(resolve));
      while (waiting.length > 0) waiting.pop()!();
    }
    await both;
    expect(sequenceIn(bucket)).toBe(12);
    expect(activation.dirty).toBe(false);
  });

  it('steps down when a later epoch has written the snapshot', async () => {
    const bucket = new SlowBucket();
    const mine = storeOn(bucket, () => 10);
    const activation = await mine.activate(address);
    activation.touchedSequence = 10;
    activation.state = { n: 1 };
    await bucket.put('user.a', Buffer.from(JSON.stringify({ epoch: 6 })), 0);
    await expect(mine.save(activation)).rejects.toMatchObject({ code: 'STALE_OWNER' });
  });

  it('writes over what an older owner left behind late', async () => {
    const bucket = new SlowBucket();
    const mine = storeOn(bucket, () => 10);
    const activation = await mine.activate(address);
    activation.touchedSequence = 10;
    activation.state = { n: 1 };
    await bucket.put('user.a', Buffer.from(JSON.stringify({ epoch: 4 })), 0);
    await mine.save(activation);
    expect(sequenceIn(bucket)).toBe(10);
  });

  it('leaves no chunk of a large snapshot that it did not get to store, and none of one that was replaced', async () => {
    const bucket = new SlowBucket();
    let sequence = 10;
    const mine = storeOn(bucket, () => sequence);
    const chunks = (): string[] => [...bucket.stored.keys()].filter((key) => key.startsWith('chunk.user.a.')).sort();
    const header = (): { chunks: string[] } =>
      JSON.parse(Buffer.from(bucket.stored.get('user.a')!.value).toString()) as { chunks: string[] };
    const activation = await mine.activate(address);
    for (; sequence <= 12; sequence++) {
      activation.touchedSequence = sequence;
      activation.state = { n: sequence, pad: 'x'.repeat(2 * CHUNK_BYTES) };
      await mine.save(activation);
      expect(chunks()).toEqual([...header().chunks].sort());
    }
    const { revision } = bucket.stored.get('user.a')!;
    await bucket.put('user.a', Buffer.from(JSON.stringify({ epoch: 6 })), revision);
    const before = chunks();
    activation.touchedSequence = sequence;
    activation.state = { n: sequence, pad: 'y'.repeat(2 * CHUNK_BYTES) };
    await expect(mine.save(activation)).rejects.toMatchObject({ code: 'STALE_OWNER' });
    // What stood before is the later owner's to judge.
    expect(chunks()).toEqual(before);
  });

  it.each(['', 'null', '{', '{"epoch":"x"}'])('writes over a snapshot that nobody can read: %j', async (text) => {
    const bucket = new SlowBucket();
    const mine = storeOn(bucket, () => 10);
    const activation = await mine.activate(address);
    activation.touchedSequence = 10;
    activation.state = { n: 1 };
    await bucket.put('user.a', Buffer.from(text), 0);
    await mine.save(activation);
    expect(sequenceIn(bucket)).toBe(10);
  });

  it('says that a snapshot is damaged where its header cannot be read', async () => {
    const bucket = new SlowBucket();
    await bucket.put('user.a', Buffer.from('{"chunks":'), 0);
    await expect(storeOn(bucket, () => 10).activate(address)).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
  });

  it('keeps an actor that folds something while it is saved for its passivation', async () => {
    let sequence = 10;
    const waiting: (() => void)[] = [];
    const bucket = new SlowBucket();
    const store = storeOn(bucket, () => sequence, {
      acknowledged: () => new Promise((resolve) => waiting.push(resolve)),
    });
    const activation = await store.activate(address);
    const fold = (n: number): void => {
      activation.state = { n };
      activation.touchedSequence = sequence;
      store.markDirty(activation);
    };
    fold(1);
    const swept = store.sweep(0, 60_000, () => false);
    await new Promise((resolve) => setImmediate(resolve));
    sequence = 11;
    fold(2);
    waiting.shift()!();
    await swept;
    expect(store.peek('user.a')).toBe(activation);
    expect(activation.dirty).toBe(true);
    expect(store.dirtyNow()).toEqual([activation]);
    // The next sweep saves what came meanwhile, and only then lets it go.
    const again = store.sweep(0, 60_000, () => false);
    await new Promise((resolve) => setImmediate(resolve));
    waiting.shift()!();
    await again;
    expect(store.peek('user.a')).toBeUndefined();
    expect((await store.activate(address)).state).toEqual({ n: 2 });
  });

  it('passivates the least recently used, saved; what is pinned stays', async () => {
    const bucket = new SlowBucket();
    const store = storeOn(bucket, () => 10);
    for (const token of ['a', 'b', 'c']) {
      const activation = await store.activate({ kind: 'user', token });
      activation.state = { n: 1 };
      activation.touchedSequence = 10;
      store.markDirty(activation);
    }
    nowMs += 1_000;
    store.peek('user.a');
    await store.sweep(1, 60_000, (key) => key === 'user.c');
    expect(store.peek('user.b')).toBeUndefined();
    expect(store.peek('user.c')).toBeDefined();
    expect(bucket.stored.has('user.b')).toBe(true);
    expect(store.passivations['least-recently-used']).toBe(1);
  });
});

describe('memory that several apps share', () => {
  const user = (token: string) => ({ kind: 'user', token }) as const;
  const tokensOf = (app: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${app}-${i}`);
  const inMemory = (store: ActivationStore, tokens: readonly string[]): string[] =>
    tokens.filter((token) => store.peek(`user.${token}`));

  async function filled(isShared: boolean, counts: Readonly<Record<string, number>>): Promise<ActivationStore> {
    nowMs = 0;
    const store = storeOn(new SlowBucket(), () => 1, { isShared });
    for (const [app, n] of Object.entries(counts)) {
      for (const token of tokensOf(app, n)) await store.activate(user(token), app);
    }
    return store;
  }

  it("lets the actors of the app go that has more than its share, and keeps others', however long not used", async () => {
    const store = await filled(true, { calm: 3, flood: 40 });
    await store.sweep(10, 60_000, () => false);
    expect(inMemory(store, tokensOf('calm', 3))).toEqual(tokensOf('calm', 3));
    expect(inMemory(store, tokensOf('flood', 40))).toEqual(tokensOf('flood', 40).slice(-7));
    expect(store.passivations).toMatchObject({ 'least-recently-used': 33, idle: 0 });
  });

  it('gives each app the same where all want more', async () => {
    const store = await filled(true, { one: 20, two: 9, three: 40 });
    await store.sweep(12, 60_000, () => false);
    const left = [tokensOf('one', 20), tokensOf('two', 9), tokensOf('three', 40)].map(
      (all) => inMemory(store, all).length,
    );
    expect(left).toEqual([4, 4, 4]);
  });

  it('is all of an app that is alone, and what is idle leaves whosever it is', async () => {
    const store = await filled(true, { one: 20, two: 2 });
    await store.sweep(22, 60_000, () => false);
    expect(store.size).toBe(22);
    nowMs = 30_000;
    inMemory(store, tokensOf('one', 5));
    nowMs = 61_000;
    await store.sweep(22, 60_000, (key) => key === 'user.two-1');
    expect(inMemory(store, [...tokensOf('one', 20), ...tokensOf('two', 2)])).toEqual([...tokensOf('one', 5), 'two-1']);
  });

  it("is kept in the order of use where it is one app's", async () => {
    const store = await filled(false, { calm: 3, flood: 40 });
    await store.sweep(10, 60_000, () => false);
    expect(inMemory(store, tokensOf('calm', 3))).toEqual([]);
    expect(store.size).toBe(10);
  });
});
