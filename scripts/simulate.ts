/** `npm run simulate`: the host on a simulated cluster under seeded faults, every promise checked after each run. */
import { availableParallelism } from 'node:os';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ALL_PROTECTIONS, type Protections } from '../src/actors/host/protections.js';
import { runSeeds } from '../src/actors/simulated/seed-pool.js';
import type { SeedOutcome } from '../src/actors/simulated/seed-worker.js';
import { scenarioOf, SCENARIOS, simulate, type ScenarioName } from '../src/actors/simulated/simulation.js';

const BREAKABLE: Readonly<Record<string, keyof Protections>> = {
  barrier: 'barrier',
  watermark: 'watermark',
  overlay: 'overlay',
  cas: 'cas',
  'timer-generation': 'timerGeneration',
  after: 'after',
  'renew-on-progress': 'renewOnProgress',
  'never-reacquire': 'neverReacquire',
  'lease-before-answer': 'leaseBeforeAnswer',
  'lease-before-write': 'leaseBeforeWrite',
  intake: 'intake',
  'own-times': 'ownTimes',
  repeats: 'repeats',
  'event-floor': 'eventFloor',
  redrive: 'redrive',
  foresight: 'foresight',
  semantics: 'semantics',
};
const FAILURES_MAX = 10;
const SEEDS = 2_000;

interface Options {
  readonly seeds?: number;
  readonly only?: ScenarioName;
  readonly untilFailure?: true;
  readonly from: number;
  readonly seed?: number;
  readonly trace?: true;
  readonly json?: true;
  readonly break?: string;
  readonly jobs: number;
}

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
};

const program = new Command('simulate')
  .description('Runs several hosts on a simulated cluster under seeded faults and checks every promise.')
  .option('--seeds <n>', `how many seeds to run (${SEEDS}; with --until-failure as many as it takes)`, whole)
  .option('--from <seed>', 'the first of them', whole, 1)
  .option('--seed <seed>', 'run this one only', whole)
  .addOption(new Option('--only <scenario>', 'run the seeds of one scenario only').choices(SCENARIOS))
  .option('--until-failure', 'stop at the first seed that breaks a promise, and not before')
  .option('--trace', 'with --seed: print everything that happens, in order')
  .addOption(new Option('--break <protection>', 'take one protection away').choices(Object.keys(BREAKABLE)))
  .option('--jobs <n>', 'threads', whole, availableParallelism())
  .option('--json', 'print the result for machines')
  .addHelpText(
    'after',
    '\nExit codes: 0 every promise was kept; 1 one was broken (with --break that is the point); 2 wrong usage.' +
      '\nThe same seed on the same code runs the same way, to the last message.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const options = program.parse().opts<Options>();
const protections = options.break ? { ...ALL_PROTECTIONS, [BREAKABLE[options.break]!]: false } : ALL_PROTECTIONS;
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const replayOf = (seed: number): string =>
  `npm run simulate -- --seed ${seed}${options.break ? ` --break ${options.break}` : ''} --trace`;

if (options.trace && options.seed === undefined) program.error('--trace needs --seed');
if (options.seed !== undefined) {
  const { seed, only } = options;
  for (const name of ['seeds', 'untilFailure'] as const)
    if (options[name] !== undefined)
      program.error(`--${name === 'seeds' ? name : 'until-failure'} runs many seeds, --seed one`);
  if (only !== undefined && scenarioOf(seed) !== only)
    program.error(`--only ${only}: seed ${seed} runs the scenario ${scenarioOf(seed)}`);
}
process.exitCode = options.seed === undefined ? await runMany() : await runOne(options.seed);

async function runOne(seed: number): Promise<number> {
  const { lines, ...outcome } = await simulate({ seed, protections, trace: options.trace ?? false });
  if (options.json) say(JSON.stringify(options.trace ? { ...outcome, lines } : outcome, null, 2));
  else {
    for (const { atMs, who, what } of lines) say(`${atMs.toFixed(2).padStart(10)}  ${who.padEnd(9)} ${what}`);
    report(outcome);
  }
  return outcome.violations.length > 0 ? 1 : 0;
}

async function runMany(): Promise<number> {
  const { from, jobs, json, only, untilFailure } = options;
  const seeds = options.seeds ?? (untilFailure ? Infinity : SEEDS);
  // With a protection taken away one failure is all that is asked for.
  const failuresMax = untilFailure || options.break !== undefined ? 1 : FAILURES_MAX;
  const failed: SeedOutcome[] = [];
  const totals = { seeds: 0, failed: 0, records: 0, acknowledged: 0 };
  const bar = process.stderr.isTTY
    ? new SingleBar({ stream: process.stderr, format: '{bar} {value}/{total} seeds, {failed} failed, {eta_formatted}' })
    : undefined;
  bar?.start(Number.isFinite(seeds) ? seeds : 0, 0, { failed: 0 });
  const startedMs = performance.now();
  // Ctrl-C ends the seeds under way and tells how far the run got.
  let interrupted = false;
  process.once('SIGINT', () => (interrupted = true));
  await runSeeds({
    from,
    seeds,
    only,
    jobs,
    protections,
    onOutcome: (outcome) => {
      totals.seeds++;
      totals.records += outcome.records;
      totals.acknowledged += outcome.acknowledged;
      if (outcome.violations.length > 0) {
        totals.failed++;
        failed.push(outcome);
      }
      bar?.update(totals.seeds, { failed: totals.failed });
      return !interrupted && failed.length < failuresMax;
    },
  });
  bar?.stop();
  failed.sort((a, b) => a.seed - b.seed);
  const seconds = Math.round(performance.now() - startedMs) / 1000;
  if (json) say(JSON.stringify({ from, ...totals, seconds, failures: failed }, null, 2));
  else {
    failed.forEach(report);
    say(
      `${totals.seeds} seeds from ${from} in ${seconds.toFixed(1)} s: ${totals.records} records, ` +
        `${totals.acknowledged} promises, ${totals.failed} seeds failed.`,
    );
  }
  return totals.failed > 0 ? 1 : 0;
}

function report({ seed, scenario, hash, violations, records, acknowledged }: SeedOutcome): void {
  say(
    `seed ${seed} (${scenario}, hash ${hash}): ${records} records, ${acknowledged} promises, ${violations.length} broken`,
  );
  for (const { promise, what } of violations.slice(0, 10)) say(`  ${promise}: ${what}`);
  if (violations.length > 0) say(`  replay: ${replayOf(seed)}`);
}
