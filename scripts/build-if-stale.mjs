/** Builds dist/ where it is missing or was built from other sources; says nothing where there is nothing to do. */
import './require-node.mjs';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = join(root, 'dist', '.built-from');
const lockFile = join(root, 'node_modules', '.attune-build.lock');
const LOCK_POLL_MS = 100;
const SETTINGS = ['package-lock.json', '.swcrc', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Changes with any source file or build setting: its path, size or time. */
function stamp() {
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const file of [...sources.sort(), ...SETTINGS.map((name) => join(root, name))]) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

function isFresh(wanted) {
  return (
    existsSync(join(root, 'dist', 'main.js')) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted
  );
}

/** Builds one at a time: several processes may be started from one folder at once. */
function lock() {
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isHeld()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
    else rmSync(lockFile, { force: true });
  }
}

function isHeld() {
  try {
    process.kill(Number(readFileSync(lockFile, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// A package that ships only dist/ has nothing to build from.
if (existsSync(join(root, 'src')) && !isFresh(stamp())) {
  lock();
  process.on('exit', () => rmSync(lockFile, { force: true }));
  const wanted = stamp();
  if (!isFresh(wanted)) {
    const { status } = spawnSync(process.execPath, [join(root, 'node_modules/@nestjs/cli/bin/nest.js'), 'build'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0) process.exit(status ?? 1);
    writeFileSync(stampFile, wanted);
  }
}
