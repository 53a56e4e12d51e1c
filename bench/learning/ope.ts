/**
 * How good the estimators are. On Open Bandit Data: the relative error of each against the clicks that the evaluated
 * policy really had, both ways. On synthetic worlds: the relative error over several seeds, beside published ones, and how
 * often intervals hold the truth.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { readLog, type LogFile } from '../../src/cli/evaluate/read-log.js';
import { textTable } from '../../src/cli/evaluate/text-table.js';
import { numberFrom } from '../../src/cli/outcome.js';
import { evaluateLog, type EvaluateOptions, type Evaluation } from '../../src/learners/evaluation/evaluate.js';
import { FrequencyTarget, uniformTarget, type TargetPolicy } from '../../src/learners/evaluation/target.js';
import { loggedWorld, trueValue, type WorldOptions } from '../support/logged-world.js';

const DATA_DIR = process.env['ATTUNE_DATA_DIR'] ?? join(import.meta.dirname, '../../../shared/data');
const CLICKS = { min: 0, max: 1 };
/** Relative errors of the Open Bandit Pipeline, by estimator: its own data, its own worlds (../shared/PEERS.md). */
const PUBLISHED_REAL: Readonly<Record<string, number>> = {
  DM: 0.157,
  DRos: 0.16,
  'Switch-DR': 0.258,
  DR: 0.292,
  SNDR: 0.302,
  IPS: 0.311,
  SNIPS: 0.312,
};
const PUBLISHED_SYNTHETIC: Readonly<Record<string, number>> = {
  SNDR: 0.0061,
  DR: 0.0062,
  SNIPS: 0.0067,
  IPS: 0.0095,
  DM: 0.074,
};

const OPTIONS: Omit<EvaluateOptions, 'target'> = {
  model: 'auto',
  folds: 3,
  seed: 1,
  clip: 20,
  range: CLICKS,
  level: 0.95,
  resamples: 1000,
  method: 'bca',
};
const WORLD: Omit<WorldOptions, 'seed' | 'logSeed'> = {
  rounds: 10_000,
  actions: 30,
  dimension: 5,
  loggingBeta: 0.5,
  targetBeta: 5,
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function realErrors(seeds: number): Promise<unknown> {
  const file = (policy: 'bts' | 'random'): LogFile => ({
    path: join(DATA_DIR, 'obd_men', policy, 'men.csv.gz'),
    format: 'obd',
    range: CLICKS,
  });
  const bts = new FrequencyTarget('Bernoulli TS');
  const clicks = { bts: 0, random: 0, rows: 0 };
  for await (const decision of readLog(file('bts'))) {
    bts.add(decision);
    clicks.bts += decision.reward;
    clicks.rows++;
  }
  for await (const decision of readLog(file('random'))) clicks.random += decision.reward;
  const ways: readonly [string, 'bts' | 'random', TargetPolicy, number][] = [
    ['random → BTS', 'random', bts, clicks.bts / clicks.rows],
    ['BTS → uniform', 'bts', uniformTarget, clicks.random / clicks.rows],
  ];
  const found = [];
  for (const [way, from, target, truth] of ways) {
    const errors = new Map<string, number[]>();
    const evaluations: Evaluation[] = [];
    // Seeds move the folds of the reward model, and nothing else of an estimate.
    for (let seed = 1; seed <= seeds; seed++)
      evaluations.push(await evaluateLog(() => readLog(file(from)), { ...OPTIONS, target, seed }));
    for (const { estimates } of evaluations)
      for (const { estimator, estimate } of estimates)
        if (estimate !== null)
          errors.set(estimator, [...(errors.get(estimator) ?? []), Math.abs(estimate - truth) / truth]);
    console.log(`\nOpen Bandit Data, men, 10,000 rows, ${way}: truth ${truth}, ${seeds} seeds`);
    const rows = evaluations[0]!.estimates.map(({ estimator, estimate, interval }) => {
      const of = errors.get(estimator) ?? [];
      const published = way === 'random → BTS' ? PUBLISHED_REAL[estimator] : undefined;
      return [
        estimator,
        estimate === null ? 'refused' : estimate.toPrecision(4),
        interval === null ? '' : `${interval.low.toPrecision(3)} to ${interval.high.toPrecision(3)}`,
        of.length === 0 ? '' : mean(of).toFixed(4),
        of.length === 0 ? '' : spread(of).toFixed(4),
        published === undefined ? '' : String(published),
      ];
    });
    console.log(
      textTable(['estimator', 'estimate', '95 %', 'relative error', 'spread', 'published for "all"'], rows).join('\n'),
    );
    found.push({ way, truth, errors: Object.fromEntries(errors) });
  }
  return found;
}

async function syntheticErrors(seeds: number, rounds: number): Promise<unknown> {
  const errors = new Map<string, number[]>();
  for (let seed = 1; seed <= seeds; seed++) {
    const { log, target, valueHere } = loggedWorld({ ...WORLD, rounds, seed, logSeed: seed });
    const { estimates } = await evaluateLog(() => log, { ...OPTIONS, target, seed, resamples: 50 });
    for (const { estimator, estimate } of estimates)
      if (estimate !== null)
        errors.set(estimator, [...(errors.get(estimator) ?? []), Math.abs(estimate - valueHere) / valueHere]);
  }
  console.log(`\nsynthetic, ${rounds} rounds, ${WORLD.actions} actions, d = ${WORLD.dimension}, ${seeds} worlds`);
  const rows = [...errors].map(([estimator, of]) => [
    estimator,
    mean(of).toFixed(4),
    spread(of).toFixed(4),
    of.length === seeds ? '' : String(seeds - of.length),
    String(PUBLISHED_SYNTHETIC[estimator] ?? ''),
  ]);
  console.log(textTable(['estimator', 'relative error', 'spread', 'refused', 'published'], rows).join('\n'));
  return Object.fromEntries(errors);
}

async function coverage(runs: number, rounds: number): Promise<unknown> {
  const world = { ...WORLD, rounds, seed: 1, actions: 10 };
  const truth = trueValue({ ...world, logSeed: 0 }, 400_000);
  const counts = new Map<string, { held: number; given: number; width: number }>();
  const count = (name: string, low: number, high: number): void => {
    const tally = counts.get(name) ?? { held: 0, given: 0, width: 0 };
    counts.set(name, tally);
    tally.given++;
    tally.held += low <= truth && truth <= high ? 1 : 0;
    tally.width += high - low;
  };
  for (let run = 1; run <= runs; run++) {
    const { log, target } = loggedWorld({ ...world, logSeed: run });
    const { estimates, anytime } = await evaluateLog(() => log, { ...OPTIONS, target, seed: run });
    for (const { estimator, interval } of estimates)
      if (interval !== null) count(estimator, interval.low, interval.high);
    if ('low' in anytime) count('anytime-valid', anytime.low, anytime.high);
  }
  console.log(`\ncoverage at 95 %, ${rounds} rounds, 10 actions, ${runs} logs of one world; truth ${truth.toFixed(5)}`);
  const rows = [...counts].map(([name, { held, given, width }]) => [
    name,
    percent(held / given),
    `± ${percent(1.96 * Math.sqrt((0.95 * 0.05) / given))}`,
    (width / given).toPrecision(3),
    given === runs ? '' : String(runs - given),
  ]);
  console.log(textTable(['interval', 'holds', 'chance at 95 %', 'mean width', 'none given'], rows).join('\n'));
  return { truth, counts: Object.fromEntries(counts) };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

const command = new Command('ope')
  .option('--seeds <n>', 'folds of the real data, and synthetic worlds', numberFrom(1, 1000), 5)
  .option('--rounds <n>', 'of a synthetic log', numberFrom(100, 1_000_000), WORLD.rounds)
  .option('--runs <n>', 'logs for the coverage of intervals', numberFrom(1, 100_000), 200)
  .option('--coverage-rounds <n>', 'of one of those logs', numberFrom(100, 1_000_000), 2000)
  .option('--only <part>', 'real, synthetic or coverage')
  .option('--json <file>', 'write what was found')
  .parse();
const options = command.opts<{
  seeds: number;
  rounds: number;
  runs: number;
  coverageRounds: number;
  only?: string;
  json?: string;
}>();
const wanted = (part: string): boolean => options.only === undefined || options.only === part;
const report = {
  ...(wanted('real') ? { real: await realErrors(options.seeds) } : {}),
  ...(wanted('synthetic') ? { synthetic: await syntheticErrors(options.seeds, options.rounds) } : {}),
  ...(wanted('coverage') ? { coverage: await coverage(options.runs, options.coverageRounds) } : {}),
};
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
