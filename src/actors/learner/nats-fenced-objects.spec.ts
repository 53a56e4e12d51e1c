import { describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '@nats-io/obj';
import { MemoryBucket } from '../../../test/support/host-world.js';
import { NatsFencedObjects, type FencedWrite } from './nats-fenced-objects.js';

interface Pointer {
  readonly turn: number;
  readonly objectKey: string;
}

const parse = (value: Uint8Array): Pointer => JSON.parse(Buffer.from(value).toString('utf8')) as Pointer;

function world() {
  const pointers = new MemoryBucket();
  const stored = new Map<string, Uint8Array>();
  /** Runs once the object is stored, before the pointer is set. */
  let meanwhile: () => Promise<unknown> = () => Promise.resolve();
  const store = {
    putBlob: async ({ name }: { name: string }, bytes: Uint8Array) => {
      stored.set(name, bytes);
      const task = meanwhile;
      meanwhile = () => Promise.resolve();
      await task();
    },
    get: (name: string) => {
      const bytes = stored.get(name);
      if (bytes === undefined) return Promise.resolve(null);
      const chunks = [bytes.subarray(0, 2), bytes.subarray(2)];
      const data = ReadableStream.from(chunks);
      return Promise.resolve({ info: { size: bytes.length }, error: Promise.resolve(undefined), data });
    },
    delete: (name: string) => Promise.resolve(stored.delete(name)),
  };
  const objects = new NatsFencedObjects(pointers, store as unknown as ObjectStore);
  return { pointers, stored, objects, before: (task: () => Promise<unknown>) => (meanwhile = task) };
}

const writeOf = (
  writer: string,
  refuses: (present: Pointer | undefined) => boolean = () => false,
): FencedWrite<Pointer> => ({
  key: 'p',
  bytes: Buffer.from(writer),
  parse,
  decide: (present) => {
    if (refuses(present)) throw new Error('overtaken');
    const turn = (present?.turn ?? 0) + 1;
    const objectKey = `p.${writer}.${turn}`;
    return { pointer: { turn, objectKey }, objectKey };
  },
  obsolete: (present) => (present === undefined ? [] : [present.objectKey]),
});

describe('objects under a fenced pointer', () => {
  it('leave nothing behind of a compare-and-set that was lost and then won', async () => {
    const { objects, stored, pointers, before } = world();
    before(() => objects.write(writeOf('other')));
    await objects.write(writeOf('mine'));
    expect(pointers.json('p')).toEqual({ turn: 2, objectKey: 'p.mine.2' });
    expect([...stored.keys()]).toEqual(['p.mine.2']);
  });

  it('leave nothing behind of a writer that gives up because it was overtaken; what won stays', async () => {
    const { objects, stored, before } = world();
    before(() => objects.write(writeOf('other')));
    await expect(objects.write(writeOf('mine', (present) => present !== undefined))).rejects.toThrow('overtaken');
    expect([...stored.keys()]).toEqual(['p.other.1']);
  });

  it('never collect an object that the pointer names, though the writer that lost had written the same', async () => {
    const { objects, stored, before } = world();
    before(() => objects.write(writeOf('same')));
    await expect(objects.write(writeOf('same', (present) => present !== undefined))).rejects.toThrow('overtaken');
    expect([...stored.keys()]).toEqual(['p.same.1']);
    expect(Buffer.from((await objects.object('p.same.1'))!).toString()).toBe('same');
  });

  it('are not read where they are larger than the reader takes', async () => {
    const { objects } = world();
    await objects.write(writeOf('four'));
    expect((await objects.object('p.four.1', 4))!.length).toBe(4);
    await expect(objects.object('p.four.1', 3)).rejects.toMatchObject({ code: 'OBJECT_TOO_LARGE' });
    expect(await objects.object('p.five.1', 3)).toBeUndefined();
  });

  it('are collected when a writer loses more often than it may try', async () => {
    const { objects, stored, pointers, before } = world();
    let others = 0;
    const overtake = async (): Promise<void> => {
      await objects.write(writeOf(`other${++others}`));
      if (others < 20) before(overtake);
    };
    before(overtake);
    await expect(objects.write(writeOf('mine'))).rejects.toMatchObject({ code: 'POINTER_CONTENDED' });
    const { objectKey } = pointers.json<Pointer & Record<string, unknown>>('p')!;
    expect([...stored.keys()]).toEqual([objectKey]);
  });
});
