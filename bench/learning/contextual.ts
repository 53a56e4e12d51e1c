/**
 * How fast the linear bandits learn, by hand: cumulative regret in synthetic worlds, and progressive loss on banking77.
 *   node --import ./scripts/typescript.mjs bench/learning/contextual.ts --rounds 100000 --seeds 3
 */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import {
  CONTENDERS,
  ContextualLoop,
  growthExponent,
  playWorld,
  worldFeatures,
  type Contender,
} from './contextual-run.js';
import { ContextualWorld, type WorldKind } from './contextual-world.js';
import { BANKING77, progressiveLoss, readBanking77, textFeatures } from './labelled-text.js';

interface Options {
  readonly rounds: number;
  readonly seeds: number;
  readonly size: number;
  readonly arms: number;
  readonly buckets: number;
  readonly only?: string;
}

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number above 0');
  return value;
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[], digits: number): string =>
  `${meanOf(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

/** Rewards of the linear world lie well within these bounds; those of the logistic world are 0 and 1. */
const REWARD = { linear: { min: -10, max: 10 }, logistic: { min: 0, max: 1 } } as const;

function regretIn(kind: WorldKind, contender: Contender, { rounds, seeds, size, arms }: Options): void {
  const regrets: number[] = [];
  const exponents: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const world = new ContextualWorld(kind, { size, arms, seed });
    const loop = new ContextualLoop(contender, { ...worldFeatures(world), reward: REWARD[kind] }, seed);
    const curve = playWorld(world, loop, rounds);
    regrets.push(curve.regret.at(-1)!);
    exponents.push(growthExponent(curve));
  }
  say(`${kind}  ${contender.name.padEnd(27)} regret ${spread(regrets, 0)}, growth exponent ${spread(exponents, 3)}`);
}

function lossOnTexts(contender: Contender, { seeds, buckets }: Options): void {
  const losses: number[] = [];
  const last: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const texts = readBanking77(BANKING77, seed);
    const [all, quarter] = progressiveLoss(texts, new ContextualLoop(contender, textFeatures(buckets), seed));
    losses.push(all);
    last.push(quarter);
  }
  say(`banking77  ${contender.name.padEnd(27)} progressive loss ${spread(losses, 4)}, last quarter ${spread(last, 4)}`);
}

function main(): void {
  const options = new Command('contextual')
    .option('--rounds <n>', 'rounds in each synthetic world', count, 100_000)
    .option('--seeds <n>', 'worlds of each kind; spreads are over them', count, 3)
    .option('--size <n>', 'numbers in a context', count, 32)
    .option('--arms <n>', 'candidates', count, 20)
    .option('--buckets <n>', 'numbers that words are hashed to', count, 1024)
    .option('--only <part>', 'linear, logistic or banking77')
    .parse()
    .opts<Options>();
  for (const kind of ['linear', 'logistic'] as const)
    for (const contender of CONTENDERS) {
      // Logistic regression has no place where rewards are no chances.
      const fits = kind === 'logistic' || contender.plugin.kind !== 'logistic-thompson';
      if (fits && (options.only ?? kind) === kind) regretIn(kind, contender, options);
    }
  if ((options.only ?? 'banking77') !== 'banking77') return;
  if (existsSync(BANKING77)) for (const contender of CONTENDERS) lossOnTexts(contender, options);
  else say(`banking77 skipped: there is no ${BANKING77}`);
}

main();
