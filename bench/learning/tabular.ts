/**
 * Table learners against the exact optimum of reference tables: trains with the presets of `npm run train`, then computes
 * the expected return of the learned greedy policy from the transition table, without sampling.
 *
 *   nice -n 19 node --import ./scripts/typescript.mjs bench/learning/tabular.ts --seeds 5
 */
import { Command, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  measureTabular,
  TABULAR_LEARNERS,
  TABULAR_WORLDS,
  type TabularMeasure,
} from '../../test/support/tabular-measure.js';
import { parseTransitionTable } from '../../src/learners/environments/transition-table.js';
import { numberFrom } from '../../src/cli/outcome.js';

const DATA_DIR = process.env['ATTUNE_DATA_DIR'] ?? join(import.meta.dirname, '../../../shared/data');
/** How far below the optimum a policy may stay. */
const TOLERANCE = 0.01;

const options = new Command('tabular')
  .addOption(new Option('--worlds <names...>', 'tables').choices(TABULAR_WORLDS).default(TABULAR_WORLDS))
  .addOption(new Option('--learners <names...>', 'learners').choices(TABULAR_LEARNERS).default(TABULAR_LEARNERS))
  .option('--seeds <n>', 'seeds, from 1 on', numberFrom(1, 1000), 5)
  .option('--json', 'print JSON')
  .parse()
  .opts<{ worlds: string[]; learners: string[]; seeds: number; json?: true }>();

const measures: TabularMeasure[] = [];
for (const world of options.worlds) {
  const table = parseTransitionTable(
    JSON.parse(readFileSync(join(DATA_DIR, 'rl_reference', `mdp_${world}.json`), 'utf8')) as unknown,
  );
  for (const learner of options.learners) {
    for (let seed = 1; seed <= options.seeds; seed++) measures.push(await measureTabular(table, world, learner, seed));
    if (!options.json) process.stdout.write(`${line(measures.slice(-options.seeds))}\n`);
  }
}
if (options.json) process.stdout.write(`${JSON.stringify(measures, undefined, 2)}\n`);
process.exitCode = measures.every(isClose) ? 0 : 1;

function isClose({ exact, optimum }: TabularMeasure): boolean {
  return optimum - exact <= TOLERANCE * Math.abs(optimum);
}

function line(runs: readonly TabularMeasure[]): string {
  const { world, learner, optimum, steps } = runs[0]!;
  const values = runs.map(({ exact }) => exact);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const speeds = runs.map(({ stepsPerSecond }) => stepsPerSecond);
  return [
    world.padEnd(26),
    learner.padEnd(10),
    `optimum ${optimum.toFixed(4)}`,
    `mean ${mean.toFixed(4)} (${Math.min(...values).toFixed(4)} to ${Math.max(...values).toFixed(4)})`,
    `${runs.filter(isClose).length} of ${runs.length} seeds within 1 %`,
    `${steps} steps`,
    `${Math.round(Math.min(...speeds))}–${Math.round(Math.max(...speeds))} steps/s`,
  ].join(' | ');
}
