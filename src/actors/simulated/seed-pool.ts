import { Worker } from 'node:worker_threads';
import type { Protections } from '../host/protections.js';
import type { SeedJob, SeedOutcome } from './seed-worker.js';
import { scenarioOf, type ScenarioName } from './simulation.js';

export interface SeedPoolOptions {
  readonly from: number;
  /** How many; Infinity goes on until a call says to stop. */
  readonly seeds: number;
  /** Only the seeds of one scenario count. */
  readonly only?: ScenarioName | undefined;
  readonly jobs: number;
  readonly protections: Protections;
  /** Called in the order of completion; returning false ends the run early. */
  readonly onOutcome: (outcome: SeedOutcome) => boolean;
}

/** Runs the first `seeds` seeds from `from` on over `jobs` threads; resolves when all are done or one call said to stop. */
export async function runSeeds(options: SeedPoolOptions): Promise<void> {
  const { from, seeds, only, jobs, protections, onOutcome } = options;
  let next = from;
  let given = 0;
  let stopped = false;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(workerUrl());
      const end = (): void => {
        void worker.terminate();
        resolve();
      };
      const give = (): void => {
        if (stopped || given >= seeds) return end();
        while (only !== undefined && scenarioOf(next) !== only) next++;
        given++;
        worker.postMessage({ seed: next++, protections } satisfies SeedJob);
      };
      worker.on('message', (outcome: SeedOutcome) => {
        if (!stopped && !onOutcome(outcome)) stopped = true;
        give();
      });
      worker.on('error', (error) => {
        stopped = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      });
      give();
    });
  await Promise.all(Array.from({ length: Math.min(jobs, seeds) }, work));
}

/** Beside this file, in whichever language it runs. */
function workerUrl(): URL {
  return new URL(`./seed-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
