/** Casts nets over a tree: specs under Jest, seeds under the simulator. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import type { Net } from '../../test/mutants/mutant.js';

/** What a net says of a tree. */
export interface Catch {
  /** `spec › test`, `town: promise`, or how the run ended otherwise; undefined where nothing was caught. */
  readonly by: string | undefined;
  readonly ms: number;
}

const jestSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});
const simulateSchema = z.object({
  failures: z.array(z.object({ seed: z.number(), violations: z.array(z.object({ promise: z.string() })) })),
});

export const nameOf = (net: Net): string => (typeof net === 'string' ? net : `${net.simulate} (${net.seeds} seeds)`);

/** Runs one net over the tree in `folder`, for `msMax` at most. */
export async function cast(net: Net, folder: string, msMax: number): Promise<Catch> {
  const startedMs = performance.now();
  const by = typeof net === 'string' ? await underJest(net, folder, msMax) : await simulated(net, folder, msMax);
  return { by, ms: performance.now() - startedMs };
}

async function underJest(spec: string, folder: string, msMax: number): Promise<string | undefined> {
  const outputFile = join(folder, 'mutants.jest.json');
  rmSync(outputFile, { force: true });
  const end = await run(folder, msMax, [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--runInBand',
    '--bail',
    '--json',
    `--outputFile=${outputFile}`,
    `--cacheDirectory=${join(folder, '.jest-cache')}`,
    '--runTestsByPath',
    spec,
  ]);
  if (end.exitCode === 0) return undefined;
  if (end.exitCode === null) return `${spec} (${end.how})`;
  let report;
  try {
    report = jestSchema.parse(JSON.parse(readFileSync(outputFile, 'utf8')));
  } catch {
    return `${spec} (${end.how})`;
  }
  for (const { name, status, assertionResults } of report.testResults) {
    const failed = assertionResults.find((test) => test.status === 'failed');
    if (failed) return `${relative(folder, name)} › ${failed.fullName}`;
    if (status === 'failed') return `${relative(folder, name)} (cannot be loaded)`;
  }
  return `${spec} (${end.how})`;
}

async function simulated(
  { simulate, seeds }: Exclude<Net, string>,
  folder: string,
  msMax: number,
): Promise<string | undefined> {
  const end = await run(folder, msMax, [
    '--import',
    './scripts/typescript.mjs',
    'scripts/simulate.ts',
    ...['--only', simulate, '--seeds', String(seeds), '--until-failure', '--jobs', '1', '--json'],
  ]);
  if (end.exitCode === 0) return undefined;
  if (end.exitCode !== 1) return `${simulate} (${end.how})`;
  const first = simulateSchema.parse(JSON.parse(end.stdout)).failures[0];
  return `${simulate}: ${first?.violations[0]?.promise ?? end.how} (seed ${first?.seed ?? '?'})`;
}

interface End {
  /** Null where it had to be stopped. */
  readonly exitCode: number | null;
  readonly how: string;
  readonly stdout: string;
}

function run(folder: string, msMax: number, args: readonly string[]): Promise<End> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    let late = false;
    const timeout = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, msMax);
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      clearTimeout(timeout);
      const how = late ? `no end within ${Math.round(msMax / 1000)} s` : (signal ?? `exit code ${exitCode}`);
      resolve({ exitCode: late ? null : exitCode, how, stdout: Buffer.concat(chunks).toString('utf8') });
    });
  });
}
