/**
 * A synthetic world in the manner of the Open Bandit Pipeline's SyntheticBanditDataset: contexts of independent normals,
 * clicks of a logistic model that is linear in context and action with interactions, a logging policy that is a softmax
 * of other linear scores, and a target that is a softmax of the true click rates. The truth is known.
 */
import type { LoggedDecision } from '../../src/learners/evaluation/logged.js';
import type { TargetPolicy } from '../../src/learners/evaluation/target.js';
import { seededRandom, type Random } from '../../src/kernel/random.js';

export interface WorldOptions {
  readonly rounds: number;
  readonly actions: number;
  readonly dimension: number;
  readonly seed: number;
  /** Sharpness of the logging policy's softmax, and of the target's over click rates. */
  readonly loggingBeta: number;
  readonly targetBeta: number;
  /** Of the log alone: worlds of one seed are the same world. */
  readonly logSeed: number;
}

export interface LoggedWorld {
  readonly log: readonly LoggedDecision[];
  readonly target: TargetPolicy;
  /** Value of the target over the contexts of the log. */
  readonly valueHere: number;
}

interface World {
  readonly clickRates: (x: readonly number[]) => number[];
  readonly logging: (x: readonly number[]) => number[];
  readonly target: (x: readonly number[]) => number[];
  readonly context: (random: Random) => number[];
}

export function loggedWorld(options: WorldOptions): LoggedWorld {
  const world = worldOf(options);
  const random = seededRandom(0x10_0000 + options.logSeed);
  const actions = Array.from({ length: options.actions }, (_, a) => ({ id: `a${a}`, features: {} }));
  const eligible = actions.map((_, a) => a);
  const contexts = new Map<LoggedDecision, readonly number[]>();
  let valueHere = 0;
  const log = Array.from({ length: options.rounds }, (_, i): LoggedDecision => {
    const x = world.context(random);
    const distribution = world.logging(x);
    const action = draw(distribution, random.next());
    const rates = world.clickRates(x);
    const reward = random.next() < rates[action]! ? 1 : 0;
    valueHere += dot(world.target(x), rates) / options.rounds;
    const decision: LoggedDecision = {
      kind: 'single',
      id: String(i),
      context: Object.fromEntries(x.map((value, d) => [`x${d}`, value])),
      actions,
      choices: [{ position: 0, action, propensity: distribution[action]!, eligible, distribution, reward }],
      reward,
      weight: 1,
    };
    contexts.set(decision, x);
    return decision;
  });
  const target: TargetPolicy = {
    name: 'softmax of the truth',
    of: (decision) => {
      const distribution = world.target(contexts.get(decision)!);
      return decision.choices.map(({ action }) => ({ chosen: distribution[action]!, distribution }));
    },
  };
  return { log, target, valueHere };
}

/** Value of the target over so many fresh contexts. */
export function trueValue(options: WorldOptions, contexts: number): number {
  const world = worldOf(options);
  const random = seededRandom(0x20_0000 + options.seed);
  let sum = 0;
  for (let i = 0; i < contexts; i++) {
    const x = world.context(random);
    sum += dot(world.target(x), world.clickRates(x));
  }
  return sum / contexts;
}

function worldOf({ actions, dimension, seed, loggingBeta, targetBeta }: WorldOptions): World {
  const random = seededRandom(seed);
  const uniform = (): number => 2 * random.next() - 1;
  const matrix = (rows: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: dimension }, uniform));
  const shared = Array.from({ length: dimension }, uniform);
  const [own, other] = [matrix(actions), matrix(actions)];
  const bias = Array.from({ length: actions }, uniform);
  const clickRates = (x: readonly number[]): number[] =>
    own.map((theta, a) => 1 / (1 + Math.exp(-(bias[a]! + dot(shared, x) + dot(theta, x)))));
  return {
    clickRates,
    logging: (x) => softmax(other.map((theta) => loggingBeta * dot(theta, x))),
    target: (x) => softmax(clickRates(x).map((rate) => targetBeta * rate)),
    context: (source) => Array.from({ length: dimension }, () => normal(source)),
  };
}

function softmax(scores: readonly number[]): number[] {
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const total = powers.reduce((sum, p) => sum + p, 0);
  return powers.map((p) => p / total);
}

/** Box and Muller. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

function draw(distribution: readonly number[], u: number): number {
  let cumulative = 0;
  for (let a = 0; a < distribution.length; a++) if (u < (cumulative += distribution[a]!)) return a;
  return distribution.length - 1;
}

function dot(x: readonly number[], y: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
