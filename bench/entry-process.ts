/** Runs one entry for bench/main.ts and sends it what was measured. */
import { endEngines } from './support/engine.js';
import { ENTRIES } from './entries/index.js';
import type { Result } from './entry.js';

export interface EntryOrder {
  readonly name: string;
  readonly soakSeconds: number;
}

export type EntryReport =
  { readonly say: string } | { readonly results: readonly Result[] } | { readonly failure: string };

const report = (message: EntryReport): Promise<void> =>
  new Promise((resolve) => process.send?.(message, () => resolve()));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.once('disconnect', () => process.exit(1));

process.once('message', ({ name, soakSeconds }: EntryOrder) => void run(name, soakSeconds));

async function run(name: string, soakSeconds: number): Promise<void> {
  try {
    const entry = ENTRIES.find((one) => one.name === name);
    if (!entry) throw new Error(`${name} is no entry`);
    await report({ results: await entry.run({ say: (line) => void report({ say: line }), soakSeconds }) });
  } catch (error) {
    await report({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  } finally {
    await endEngines().catch(() => undefined);
  }
  process.exit(0);
}
