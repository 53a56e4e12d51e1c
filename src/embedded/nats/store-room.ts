/** How much the embedded server's JetStream may store. */
import { mkdir, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** The rest is for what the server writes beside messages, and for everybody else on the disk. */
const SHARE_OF_FREE = 0.75;

/** Above what streams have reserved: a reservation that fits exactly is one too many for some versions. */
const OVER_RESERVED = 1.02;
/** What nats-server keeps of each stream beside its messages. */
const STREAM_FILE = 'meta.inf';

/**
 * What is stored already and three quarters of what is free, in bytes, and never less than the limits of the streams
 * there are. Left to itself, nats-server allows three quarters of what is free at its start for everything: once the data
 * are larger than that, it refuses every write after a restart, and it does not even restore a stream whose limit no
 * longer fits (both measured on 2.9.10). Creates the folder.
 */
export async function storeBytesMax(storeDir: string): Promise<number> {
  await mkdir(storeDir, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(storeDir);
  const { stored, reserved } = await bytesIn(storeDir);
  return Math.max(stored + Math.floor(bavail * bsize * SHARE_OF_FREE), Math.ceil(reserved * OVER_RESERVED));
}

async function bytesIn(folder: string): Promise<{ readonly stored: number; readonly reserved: number }> {
  let stored = 0;
  let reserved = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // A file that goes away meanwhile takes no room.
    const file = await stat(path).catch(() => undefined);
    stored += file?.size ?? 0;
    if (entry.name === STREAM_FILE) reserved += await reservedBy(path);
  }
  return { stored, reserved };
}

/** The limit of the stream that this file describes; 0 where it has none, and for consumers. */
async function reservedBy(path: string): Promise<number> {
  try {
    const { max_bytes: max } = JSON.parse(await readFile(path, 'utf8')) as { max_bytes?: unknown };
    return typeof max === 'number' && max > 0 ? max : 0;
  } catch {
    return 0;
  }
}
