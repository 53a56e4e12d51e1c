/** As whom PostgreSQL runs and where its data lies. PostgreSQL refuses to run as root. */
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { EngineError } from '../../kernel/errors.js';
import { randomSecret, remembered } from '../state-dir.js';

/** The user to spawn as; empty: this process's own. */
export interface Runner {
  readonly uid?: number;
  readonly gid?: number;
}

export interface Location {
  readonly runner: Runner;
  /**
   * Holds `data`, which is the runner's, and `postgresql-<version>` where a copy of the programs is needed. As root it
   * stays root's, so that what runs as the unprivileged user cannot put a link where root writes.
   */
  readonly folder: string;
}

/**
 * Without root, everything is in the state directory. As root, the data belongs to the unprivileged user `postgres`
 * or else `nobody`, in the state directory if that user can reach it; where a folder above it is closed (`/root`),
 * in `/var/lib/attune-<hash of the state directory's path>`, which stays over restarts (beside it in the temporary
 * folder for a state directory in there).
 */
export async function locatePostgres(stateDir: string, say: (line: string) => void): Promise<Location> {
  const inside = join(stateDir, 'postgres');
  await mkdir(inside, { recursive: true, mode: 0o711 });
  if (process.getuid?.() !== 0) return { runner: {}, folder: inside };
  const runner = await unprivileged();
  const folder = (await isReachable(inside)) ? inside : await outside(stateDir, inside, say);
  // The data keeps the owner it was made with, also when a `postgres` user appears later.
  const owner = await stat(join(folder, 'data')).catch(() => undefined);
  const kept = owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : runner;
  return { runner: kept, folder };
}

async function outside(stateDir: string, inside: string, say: (line: string) => void): Promise<string> {
  const folder = outsideFolder(stateDir);
  const id = await remembered(join(inside, 'state-id'), () => randomSecret().slice(0, 16));
  const known = await lstat(folder).catch(() => undefined);
  if (known && !known.isDirectory()) throw new Error(`${folder} is not a directory`);
  // Somebody removed the state directory, which this folder is a part of, or has yet to mount it: a new one begins.
  if (known && (await readFile(join(folder, 'state-id'), 'utf8').catch(() => '')) !== id) {
    say(`moving ${folder} to ${folder}.old: the state directory it belonged to is gone`);
    await rm(`${folder}.old`, { recursive: true, force: true });
    await rename(folder, `${folder}.old`);
  }
  if (!known) say(`PostgreSQL's data goes to ${folder}, since its user cannot pass through ${stateDir}`);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  await chmod(folder, 0o711);
  await writeFile(join(folder, 'state-id'), id, { mode: 0o600 });
  return folder;
}

function outsideFolder(stateDir: string): string {
  const base = stateDir.startsWith(`${tmpdir()}${sep}`) ? tmpdir() : '/var/lib';
  return join(base, `attune-${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}`);
}

/** Whether a user who owns nothing of it may pass through every folder down to `path`. */
async function isReachable(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function unprivileged(): Promise<{ uid: number; gid: number }> {
  const users = await readFile('/etc/passwd', 'utf8');
  // initdb asks for the name of its user, so only one from the list will do.
  for (const name of ['postgres', 'nobody']) {
    const line = users.split('\n').find((l) => l.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new EngineError(
    'Configuration',
    'POSTGRES_USER_MISSING',
    'PostgreSQL does not run as root, and there is neither a user postgres nor nobody. Set DATABASE_URL instead.',
    { field: 'database.url' },
  );
}

/** Removes what PostgreSQL keeps for this state directory outside of it. Nothing may be running on it. */
export async function removeOutsideData(stateDir: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const folder = outsideFolder(stateDir);
  await rm(folder, { recursive: true, force: true });
  await rm(`${folder}.old`, { recursive: true, force: true });
}
