import { Worker } from 'node:worker_threads';
import type { Protections } from '../host/protections.js';
import type { SeedJob, SeedOutcome } from './seed-worker.js';

export interface SeedPoolOptions {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly protections: Protections;
  /** Called in the order of completion; returning false ends the run early. */
  readonly onOutcome: (outcome: SeedOutcome) => boolean;
}

/** Runs `seeds` seeds from `from` on over `jobs` threads; resolves when all are done or one call said to stop. */
export async function runSeeds(options: SeedPoolOptions): Promise<void> {
  const { from, seeds, jobs, protections, onOutcome } = options;
  let next = from;
  let stopped = false;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(workerUrl());
      const end = (): void => {
        void worker.terminate();
        resolve();
      };
      const give = (): void => {
        if (stopped || next >= from + seeds) return end();
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
