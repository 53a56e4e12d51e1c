/** `npm run bench`: how fast and how large the engine is on this machine, as a table and for machines. */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { ENTRIES } from './entries/index.js';
import { meetsTarget, type Result } from './entry.js';
import type { EntryOrder, EntryReport } from './entry-process.js';
import { describeMachine, loadWarning, machineLine } from './support/machine.js';
import { table } from './support/table.js';

const SOAK_SECONDS = 60;
const SOAK_SECONDS_MIN = 10;

interface Options {
  readonly only?: readonly string[];
  readonly json?: string;
  readonly soakSeconds: number;
  readonly list?: true;
}

const names = ENTRIES.map(({ name }) => name);
const width = Math.max(...names.map((name) => name.length));
const listed = ENTRIES.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join('\n');

const entryNames = (text: string, earlier: readonly string[] = []): string[] => {
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no entry ${unknown}; entries: ${names.join(', ')}.`);
  return [...earlier, ...wanted];
};

const seconds = (text: string): number => {
  const value = Number(text);
  if (!(value >= SOAK_SECONDS_MIN && value <= 86_400))
    throw new InvalidArgumentError(`It must be a number from ${SOAK_SECONDS_MIN} to 86400.`);
  return value;
};

const { only, json, soakSeconds } = new Command('bench')
  .description('Measures the engine on this machine. Every entry runs in a process of its own, on servers of its own.')
  .option('--only <names>', 'run these entries, separated by commas', entryNames)
  .option('--json <file>', 'write {machine, results: [{name, value, unit, target, limit}]} there')
  .option('--soak-seconds <n>', 'how long the soak watches memory', seconds, SOAK_SECONDS)
  .addHelpText(
    'after',
    `\nEntries:\n${listed}\n\nExit codes: 0 every entry ran, whether its targets were met or not; 1 one could not measure; 2 wrong usage.`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Options>();

const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const machine = describeMachine();
const warning = loadWarning(machine);
tell(machineLine(machine));
if (warning !== undefined) tell(warning);

const results: Result[] = [];
const failed: string[] = [];
for (const { name } of ENTRIES.filter((entry) => only?.includes(entry.name) ?? true)) {
  tell(`${name}:`);
  try {
    results.push(...(await runEntry({ name, soakSeconds })));
  } catch (error) {
    failed.push(name);
    tell(`  ${error instanceof Error ? error.message : String(error)}`);
  }
}

process.stdout.write(`${machineLine(machine)}\n${warning === undefined ? '' : `${warning}\n`}\n${table(results)}\n`);
const missed = results.filter((result) => meetsTarget(result) === false).map(({ name }) => name);
if (missed.length > 0) process.stdout.write(`\nmissed: ${missed.join(', ')}\n`);
if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join(', ')}\n`);
if (json !== undefined) {
  const rows = results.map(({ name, value, unit, target = null, limit = null }) => ({
    name,
    value,
    unit,
    target,
    limit,
  }));
  writeFileSync(json, `${JSON.stringify({ machine, results: rows }, undefined, 2)}\n`);
}
process.exitCode = failed.length > 0 ? 1 : 0;

function runEntry(order: EntryOrder): Promise<readonly Result[]> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'entry-process.ts'));
    let outcome: readonly Result[] | undefined;
    let failure = 'it ended without a result';
    child.on('message', (message: EntryReport) => {
      if ('say' in message) tell(`  ${message.say}`);
      else if ('results' in message) outcome = message.results;
      else failure = message.failure;
    });
    child.once('exit', () => (outcome === undefined ? reject(new Error(failure)) : resolve(outcome)));
    child.send(order);
  });
}
