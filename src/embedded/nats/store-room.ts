/** How much the embedded server's JetStream may store. */
import { mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** The rest is for what the server writes beside messages, and for everybody else on the disk. */
const SHARE_OF_FREE = 0.75;

/**
 * What is stored already and three quarters of what is free, in bytes. Left to itself, nats-server allows three quarters
 * of what is free at its start for everything: once the data are larger than that, it refuses every write after a
 * restart (measured on 2.9.10). Creates the folder.
 */
export async function storeBytesMax(storeDir: string): Promise<number> {
  await mkdir(storeDir, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(storeDir);
  return (await bytesIn(storeDir)) + Math.floor(bavail * bsize * SHARE_OF_FREE);
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // A file that goes away meanwhile takes no room.
    const file = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += file?.size ?? 0;
  }
  return bytes;
}
