import { systemClock } from '../../kernel/clock.js';
import { Slices } from '../../kernel/slices.js';
import { describe, expect, it } from '@jest/globals';
import { MemoryBucket } from '../../../test/support/host-world.js';
import { CHUNK_BYTES, isChunkHeader, LargeValues } from './large-values.js';

const bytesOf = (length: number): Uint8Array => Buffer.from(Array.from({ length }, (_, i) => i % 251));
const chunksIn = (bucket: MemoryBucket): string[] =>
  [...bucket.stored.keys()].filter((key) => key.startsWith('chunk.'));

describe('large values', () => {
  it('leave alone what fits into one message', async () => {
    const bucket = new MemoryBucket();
    expect(
      await new LargeValues(bucket, 1, new Slices(systemClock)).cut('user.a', bytesOf(CHUNK_BYTES), 1),
    ).toBeUndefined();
    expect(bucket.stored.size).toBe(0);
  });

  it('come back as they were, though no message may be that large', async () => {
    const bucket = new MemoryBucket();
    const values = new LargeValues(bucket, 1, new Slices(systemClock));
    const bytes = bytesOf(3 * CHUNK_BYTES + 7);
    const header = (await values.cut('user.a', bytes, 9))!;
    expect(header.chunks).toHaveLength(4);
    expect(isChunkHeader(Buffer.from(JSON.stringify(header)))).toBe(true);
    expect(
      Buffer.compare((await new LargeValues(bucket, 2, new Slices(systemClock)).join('user.a', header))!, bytes),
    ).toBe(0);
  });

  it('are never written over, not even by another try for the same sequence', async () => {
    const bucket = new MemoryBucket();
    const values = new LargeValues(bucket, 1, new Slices(systemClock));
    const first = (await values.cut('user.a', bytesOf(2 * CHUNK_BYTES), 9))!;
    const second = (await values.cut('user.a', bytesOf(2 * CHUNK_BYTES), 9))!;
    expect(first.chunks.filter((chunk) => second.chunks.includes(chunk))).toEqual([]);
  });

  it('leave nothing behind of former values, not even of former owners; what a later owner is writing stays', async () => {
    const bucket = new MemoryBucket();
    const old = (await new LargeValues(bucket, 3, new Slices(systemClock)).cut('user.a', bytesOf(2 * CHUNK_BYTES), 1))!;
    await new LargeValues(bucket, 3, new Slices(systemClock)).cut('user.ab', bytesOf(2 * CHUNK_BYTES), 1);
    const later = (await new LargeValues(bucket, 20, new Slices(systemClock)).cut(
      'user.a',
      bytesOf(2 * CHUNK_BYTES),
      4,
    ))!;
    const values = new LargeValues(bucket, 10, new Slices(systemClock));
    await values.join('user.a', old);
    const current = (await values.cut('user.a', bytesOf(2 * CHUNK_BYTES), 2))!;
    await values.tidy('user.a', current);
    const others = chunksIn(bucket).filter((chunk) => chunk.startsWith('chunk.user.a.'));
    expect(others.sort()).toEqual([...current.chunks, ...later.chunks].sort());
    await values.tidy('user.a', undefined);
    expect(
      chunksIn(bucket)
        .filter((chunk) => chunk.startsWith('chunk.user.a.'))
        .sort(),
    ).toEqual([...later.chunks]);
    expect(chunksIn(bucket).filter((chunk) => chunk.startsWith('chunk.user.ab.'))).toHaveLength(2);
  });

  it('say when a chunk is gone', async () => {
    const bucket = new MemoryBucket();
    const values = new LargeValues(bucket, 1, new Slices(systemClock));
    const header = (await values.cut('user.a', bytesOf(2 * CHUNK_BYTES), 9))!;
    bucket.stored.delete(header.chunks[1]!);
    expect(await values.join('user.a', header)).toBeUndefined();
  });
});
