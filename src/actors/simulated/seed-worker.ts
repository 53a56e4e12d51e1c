/** Runs seeds in a worker thread: gets `{ seed, protections }`, answers with the result less its trace. */
import { parentPort } from 'node:worker_threads';
import { EngineError } from '../../kernel/errors.js';
import type { Protections } from '../host/protections.js';
import { simulate, type SimulationResult } from './simulation.js';

export interface SeedJob {
  readonly seed: number;
  readonly protections: Protections;
}

export type SeedOutcome = Omit<SimulationResult, 'lines'>;

// Errors are part of a simulated run by the thousand; nobody reads their stacks.
Error.stackTraceLimit = 0;

async function run({ seed, protections }: SeedJob): Promise<SeedOutcome> {
  try {
    const { lines: _, ...outcome } = await simulate({ seed, protections });
    return outcome;
  } catch (error) {
    const what = `${String(error)} ${EngineError.from(error).code}`;
    return { seed, scenario: '', violations: [{ promise: 'runs', what }], hash: '', records: 0, acknowledged: 0 };
  }
}

parentPort?.on('message', (job: SeedJob) => void run(job).then((outcome) => parentPort!.postMessage(outcome)));
