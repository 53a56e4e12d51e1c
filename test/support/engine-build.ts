/**
 * The build that engine processes of tests run: a compiled copy of src/ of its own, so that a test neither runs an old
 * dist/ nor replaces one under an engine that is running from it. Made once for each state of the sources.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = join(import.meta.dirname, '..', '..');
// Inside the repository, where imports find node_modules and package.json.
const BUILDS = join(ROOT, '.attune', 'e2e');

let built: Promise<string> | undefined;

/** Path of the compiled main.js. */
export function builtMain(): Promise<string> {
  return (built ??= build());
}

/**
 * Path of main.js in a copy of the build that is changed as its next one might be: of each file (from src/, as compiled)
 * every text is replaced, and has to be there.
 */
export async function changedMain(
  name: string,
  changes: Readonly<Record<string, readonly (readonly [from: string | RegExp, to: string])[]>>,
): Promise<string> {
  const source = dirname(await builtMain());
  const folder = join(ROOT, '.attune', `e2e-${name}`, basename(source));
  await rm(dirname(folder), { recursive: true, force: true });
  await cp(source, folder, { recursive: true });
  for (const [file, replacements] of Object.entries(changes)) {
    const path = join(folder, file);
    let text = await readFile(path, 'utf8');
    for (const [from, to] of replacements) {
      const replaced = text.replaceAll(from, to);
      if (replaced === text) throw new Error(`${file} has nothing like ${String(from)}`);
      text = replaced;
    }
    await writeFile(path, text);
  }
  return join(folder, 'main.js');
}

async function build(): Promise<string> {
  const folder = join(BUILDS, stamp());
  const main = join(folder, 'main.js');
  if (existsSync(main)) return main;
  await mkdir(BUILDS, { recursive: true });
  const older = await readdir(BUILDS);
  const draft = join(BUILDS, `draft-${randomBytes(4).toString('hex')}`);
  const swc = join(ROOT, 'node_modules', '@swc', 'cli', 'bin', 'swc.js');
  await run(process.execPath, [swc, 'src', '-d', draft, '--strip-leading-paths', '-q'], { cwd: ROOT });
  await rename(draft, folder).catch((error: unknown) => {
    if (!existsSync(main)) throw error;
  });
  await Promise.all(older.map((name) => rm(join(BUILDS, name), { recursive: true, force: true })));
  return main;
}

function stamp(): string {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, '.swcrc')));
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}
