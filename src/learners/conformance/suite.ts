/** Runs the checks, each in a thread of its own with a time limit, so that a plug-in that hangs or exits is reported. */
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../kernel/clock.js';
import { workerEntry } from '../../kernel/worker-entry.js';
import { CHECKS } from './checks.js';

export interface ConformanceOptions {
  /** A built-in kind, a path, or a package's name, as loadPlugin takes it. */
  readonly learner: string;
  /** The configuration that it is checked with; what its schema makes of nothing if left out. */
  readonly config?: unknown;
  /** How long one check may take. */
  readonly limitMs?: number;
  readonly decisions?: number;
  readonly abortGraceMs?: number;
  /** Names of the checks to run; all if left out. */
  readonly only?: readonly string[];
  /** Heap of each thread, in megabytes. */
  readonly heapMbMax?: number;
  /** Hears of each check when it is over. */
  readonly onCheck?: (result: CheckResult) => void;
}

export interface CheckResult {
  readonly name: string;
  readonly promise: string;
  readonly passed: boolean;
  /** Why it failed. */
  readonly message?: string;
}

export interface ConformanceReport {
  readonly learner: string;
  readonly passed: boolean;
  readonly checks: readonly CheckResult[];
}

/** What a worker is given. */
export interface CheckOrder {
  readonly learner: string;
  readonly config: unknown;
  readonly check: string;
  readonly decisions: number;
  readonly abortGraceMs: number;
}

/** What a worker answers with. */
export type CheckAnswer = { readonly passed: true } | { readonly passed: false; readonly message: string };

export const CONFORMANCE_DEFAULTS = { limitMs: 60_000, decisions: 2048, abortGraceMs: 500, heapMbMax: 512 } as const;

const ENTRY = workerEntry('./worker', import.meta.url);

/** Runs the checks, one after the other. Never rejects for a plug-in's sake: its failures are in the report. */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const checks: CheckResult[] = [];
  for (const { name, promise } of CHECKS) {
    if (options.only !== undefined && !options.only.includes(name)) continue;
    const answer = await inThread(name, options);
    const result: CheckResult = { name, promise, ...answer };
    checks.push(result);
    options.onCheck?.(result);
  }
  return { learner: options.learner, passed: checks.every(({ passed }) => passed), checks };
}

async function inThread(check: string, options: ConformanceOptions): Promise<CheckAnswer> {
  const { learner, config, limitMs, decisions, abortGraceMs, heapMbMax } = { ...CONFORMANCE_DEFAULTS, ...options };
  const order: CheckOrder = { learner, config, check, decisions, abortGraceMs };
  const worker = new Worker(ENTRY.url, {
    execArgv: ENTRY.execArgv,
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    // What a plug-in prints must not get between a report's lines.
    stdout: true,
    stderr: true,
  });
  let cancel: () => void = () => undefined;
  try {
    return await new Promise<CheckAnswer>((resolve) => {
      const failed = (message: string): void => resolve({ passed: false, message });
      cancel = systemClock.after(limitMs, () => failed(`It did not end within ${limitMs} ms; its thread was ended.`));
      worker.once('message', resolve);
      worker.once('error', (error) =>
        failed(`Its thread ended: ${error instanceof Error ? error.message : String(error)}`),
      );
      worker.once('exit', () => failed('Its thread exited: a plug-in must not end its process.'));
    });
  } finally {
    cancel();
    await worker.terminate();
  }
}
