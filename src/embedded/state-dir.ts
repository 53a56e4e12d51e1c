/** Files that the launchers keep in the state directory: its lock, ports and passwords. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { EngineError } from '../kernel/errors.js';
import { processIdentity } from './processes.js';

interface Holder {
  readonly pid: number;
  /** Start of that process: another one with the same pid later does not hold the lock. */
  readonly identity: string;
}

/**
 * Makes the state directory if need be (others may pass through it, since PostgreSQL may run as another user; every
 * secret in it is a 0600 file) and returns its real, absolute path.
 */
export async function prepareStateDir(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o711 });
  return realpath(path);
}

/**
 * Takes the state directory for this process; the returned function gives it back. A lock whose process is dead is
 * taken over. Rejects with Configuration `STATE_DIR_IN_USE`, naming the pid, while its holder lives.
 */
export async function lockStateDir(stateDir: string): Promise<() => Promise<void>> {
  const file = join(stateDir, 'lock');
  const mine = JSON.stringify({ pid: process.pid, identity: await processIdentity(process.pid) });
  for (let attempt = 0; attempt < 20; attempt++) {
    if (await createExclusive(file, mine)) {
      return async () => {
        if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true });
      };
    }
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const holder = parseHolder(text);
    if (holder && (await processIdentity(holder.pid)) === holder.identity) throw inUse(stateDir, holder.pid);
    await discardLock(file, text);
  }
  throw inUse(stateDir, undefined);
}

/** Moves a dead holder's lock away; puts it back if another process has meanwhile replaced it by a live one. */
async function discardLock(file: string, expected: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) !== expected) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, identity } = JSON.parse(text) as Partial<Holder>;
    return Number.isInteger(pid) && typeof identity === 'string' && identity !== ''
      ? { pid: pid as number, identity }
      : undefined;
  } catch {
    return undefined;
  }
}

function inUse(stateDir: string, pid: number | undefined): EngineError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new EngineError(
    'Configuration',
    'STATE_DIR_IN_USE',
    `The state directory ${stateDir} is in use by ${who}. Stop it, or set ATTUNE_STATE_DIR to another directory.`,
    { field: 'stateDir' },
  );
}

/** Writes whole or not at all, readable by the owner only; false if the file exists. */
async function createExclusive(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, text, { mode: 0o600 });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Replaces the file in one step and makes it durable; 0600. */
export async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/** The text kept in `file`, made by `create` the first time. */
export async function remembered(file: string, create: () => string): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept !== '') return kept;
  const fresh = create();
  await writePrivate(file, `${fresh}\n`);
  return fresh;
}

/** 192 bits, safe in URLs and configuration files. */
export const randomSecret = (): string => randomBytes(24).toString('hex');

/**
 * The port to listen on at 127.0.0.1: the one asked for, else the one used last, else a free one, which is kept in
 * `file`. Rejects with Configuration `PORT_IN_USE` where the one asked for is taken.
 */
export async function choosePort(asked: number | undefined, file: string): Promise<number> {
  if (asked) {
    if ((await tryPort(asked)) === asked) return asked;
    throw new EngineError('Configuration', 'PORT_IN_USE', `Port ${asked} on 127.0.0.1 is in use.`, { field: 'port' });
  }
  const last = Number((await readFile(file, 'utf8').catch(() => '')).trim());
  if (Number.isInteger(last) && last > 0 && last < 65_536 && (await tryPort(last)) === last) return last;
  const port = await tryPort(0);
  if (port === undefined) throw new EngineError('Configuration', 'PORT_IN_USE', 'No port is free on 127.0.0.1.');
  await writePrivate(file, `${port}\n`);
  return port;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : undefined));
    });
  });
}
