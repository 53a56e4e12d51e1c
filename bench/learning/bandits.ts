/**
 * Regret of the learners of independent arms in worlds with known means, over several seeds, as a table:
 * `node --import ./scripts/typescript.mjs bench/learning/bandits.ts [--rounds N] [--seeds N] [--batch N] [--world NAME]`.
 */
import { Command, InvalidArgumentError } from 'commander';
import { loadPlugin } from '../../src/learners/plugin-registry.js';
import {
  bernoulliWorld,
  driftingWorld,
  gaussianWorld,
  regretOf,
  segmentedWorld,
  uniformRegret,
  type BanditWorld,
} from '../../test/learning/bandit-worlds.js';

type Contestant = readonly [kind: string, config: object];

const STILL: readonly Contestant[] = [
  ['epsilon-greedy', {}],
  ['epsilon-greedy', { epsilon: { start: 1, min: 0.001, halfAt: 100 } }],
  ['softmax', {}],
  ['softmax', { temperature: { start: 1, min: 0.02, halfAt: 100 } }],
  ['ucb1', {}],
  ['ucb1', { exploration: 0.3 }],
  ['gaussian-thompson', {}],
  ['beta-thompson', {}],
  ['popularity', {}],
];
const FORGETTING = { forget: 0.005, forgetPer: 'experience' };
const DRIFTING: readonly Contestant[] = (
  [
    ['epsilon-greedy', {}],
    ['softmax', {}],
    ['ucb1', {}],
    ['ucb1', { exploration: 0.2 }],
    ['gaussian-thompson', {}],
    ['beta-thompson', {}],
  ] as const
).flatMap(([kind, config]): Contestant[] => [
  [kind, config],
  [kind, { ...config, forget: 0.01 }],
  [kind, { ...config, ...FORGETTING }],
]);
const SEGMENTED: readonly Contestant[] = ['beta-thompson', 'gaussian-thompson', 'ucb1'].flatMap(
  (kind): Contestant[] => [
    [kind, {}],
    [kind, { segments: { priorWeight: 0 } }],
    [kind, { segments: { priorWeight: 5 } }],
    [kind, { segments: { priorWeight: 20 } }],
  ],
);

interface Setting {
  readonly make: (seed: number, rounds: number) => BanditWorld;
  readonly contestants: readonly Contestant[];
}
const WORLDS: Readonly<Record<string, Setting>> = {
  bernoulli: { make: bernoulliWorld, contestants: STILL },
  gaussian: { make: gaussianWorld, contestants: STILL.filter(([kind]) => kind !== 'popularity') },
  drifting: { make: (seed, rounds) => driftingWorld(seed, rounds / 5), contestants: DRIFTING },
  segmented: { make: (seed) => segmentedWorld(seed, 50), contestants: SEGMENTED },
};

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`a whole number from ${least}`);
  return value;
};

const options = new Command('bandits')
  .option('--rounds <n>', 'decisions in each run, a multiple of 10', whole(10), 20_000)
  .option('--seeds <n>', 'runs', whole(2), 5)
  .option('--batch <n>', 'decisions between two versions of the policy', whole(1), 10)
  .option('--world <name>', Object.keys(WORLDS).join(', '))
  .parse()
  .opts<{ rounds: number; seeds: number; batch: number; world?: string }>();

const { rounds, seeds, batch } = options;
if (rounds % 10 !== 0) throw new InvalidArgumentError('--rounds must be a multiple of 10');

/** Words to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const pad = (cell: string, i: number): string => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!));
  return rows.map((row) => row.map(pad).join('  ')).join('\n');
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const spreadOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
};

for (const [name, { make, contestants }] of Object.entries(WORLDS)) {
  if (options.world !== undefined && options.world !== name) continue;
  const runs = Array.from({ length: seeds }, (_, i) => i + 1);
  const uniform = meanOf(runs.map((seed) => uniformRegret(make(seed, rounds), rounds)));
  const rows = [['learner', 'configuration', 'regret ± sd', 'of uniform', '2nd half / 1st']];
  for (const [kind, config] of contestants) {
    const plugin = await loadPlugin(kind);
    const curves: number[][] = [];
    for (const seed of runs)
      curves.push(await regretOf({ plugin, config, world: make(seed, rounds), rounds, batch, seed }));
    const last = curves.map((curve) => curve[9]!);
    const late = meanOf(curves.map((curve) => curve[9]! - curve[4]!)) / meanOf(curves.map((curve) => curve[4]!));
    rows.push([
      kind,
      Object.keys(config).length === 0 ? '' : JSON.stringify(config).replaceAll('"', ''),
      `${meanOf(last).toFixed(0)} ± ${spreadOf(last).toFixed(0)}`,
      (meanOf(last) / uniform).toFixed(3),
      late.toFixed(2),
    ]);
  }
  console.log(
    `\n${name}: ${rounds} decisions, ${seeds} seeds, a new policy every ${batch}; uniform ${uniform.toFixed(0)}\n`,
  );
  console.log(aligned(rows));
}
