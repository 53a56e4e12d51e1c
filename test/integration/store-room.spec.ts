import { mkdtemp, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { storeBytesMax } from '../../src/embedded/nats/store-room.js';

test('what is stored already does not count against what may be', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'attune-room-'));
  try {
    const storeDir = join(folder, 'made', 'for', 'it');
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const empty = await storeBytesMax(storeDir);
    expect(empty).toBeGreaterThan(free / 2);
    expect(empty).toBeLessThan(free);

    // A sparse file stands for more data than the disk has room for another time.
    const file = join(storeDir, '1.blk');
    await writeFile(file, '');
    await truncate(file, 4 * free);
    expect(await storeBytesMax(storeDir)).toBeGreaterThan(4 * free);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
