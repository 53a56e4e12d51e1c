import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SeedOutcome } from '../../src/actors/simulated/seed-worker.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SimulateRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SimulateReport {
  readonly seeds: number;
  readonly failed: number;
  readonly records: number;
  readonly acknowledged: number;
  readonly failures: readonly SeedOutcome[];
}

/** `npm run simulate -- <args>`, less npm. */
export function runSimulate(...args: string[]): Promise<SimulateRun> {
  const command = ['--enable-source-maps', '--import', './scripts/typescript.mjs', 'scripts/simulate.ts', ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, { cwd: root, maxBuffer: 1 << 28 }, (_, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

export async function reportOf(...args: string[]): Promise<SimulateReport> {
  const { stdout, stderr } = await runSimulate(...args, '--json');
  try {
    return JSON.parse(stdout) as SimulateReport;
  } catch {
    throw new Error(`simulate ${args.join(' ')} printed no report: ${stdout.slice(0, 500)}${stderr.slice(0, 2_000)}`);
  }
}
