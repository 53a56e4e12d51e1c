/** Files that tools write where somebody said. */
import { randomBytes } from 'node:crypto';
import { lstat, rename, rm, writeFile } from 'node:fs/promises';

/**
 * Writes a whole file: a reader finds the old one or all of the new one. A link is refused, and nothing is ever written
 * through one: whoever may put a link into a folder should not choose which of our files is overwritten. So is whatever
 * else is no regular file. Rejects with an Error that says why.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.isSymbolicLink()) throw new Error(`${path} is a link, and is not written through`);
  if (found !== undefined && !found.isFile()) throw new Error(`${path} is no regular file`);
  // A name of its own that nobody can have put a link at; should `path` become one meanwhile, the link is replaced.
  const half = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    await writeFile(half, content, { flag: 'wx' });
    await rename(half, path);
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  }
}
