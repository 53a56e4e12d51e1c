/** Learners of independent arms against known worlds; bench/learning/bandits.ts is the long form of this. */
import { describe, expect, it } from '@jest/globals';
import { loadPlugin } from '../../src/learners/plugin-registry.js';
import {
  bernoulliWorld,
  driftingWorld,
  gaussianWorld,
  regretOf,
  segmentedWorld,
  uniformRegret,
  type BanditWorld,
} from './bandit-worlds.js';

const SEEDS = [1, 2, 3];
const BATCH = 25;

/** Mean over the seeds of the regret after each tenth of the rounds. */
async function meanCurve(
  kind: string,
  config: object,
  make: (seed: number) => BanditWorld,
  rounds: number,
  batch = BATCH,
): Promise<number[]> {
  const plugin = await loadPlugin(kind);
  const total = Array.from({ length: 10 }, () => 0);
  for (const seed of SEEDS) {
    const curve = await regretOf({ plugin, config, world: make(seed), rounds, batch, seed });
    curve.forEach((regret, i) => (total[i]! += regret / SEEDS.length));
  }
  return total;
}
const meanUniform = (make: (seed: number) => BanditWorld, rounds: number): number =>
  SEEDS.reduce((sum, seed) => sum + uniformRegret(make(seed), rounds), 0) / SEEDS.length;

describe('in a world that stays as it is', () => {
  const ROUNDS = 1_500;
  const annealed = { start: 1, min: 0.01, halfAt: 100 };
  const cases: [kind: string, config: object][] = [
    ['epsilon-greedy', { epsilon: annealed }],
    ['softmax', { temperature: { start: 0.5, min: 0.02, halfAt: 50 } }],
    ['ucb1', { exploration: 0.2 }],
    ['gaussian-thompson', {}],
    ['beta-thompson', {}],
  ];

  it.each(cases)(
    '%s %j: regret is far below chance and grows ever slower, for rewards of 0 and 1',
    async (kind, config) => {
      const curve = await meanCurve(kind, config, bernoulliWorld, ROUNDS);
      expect(curve[9]!).toBeLessThan(0.4 * meanUniform(bernoulliWorld, ROUNDS));
      // Linear growth would cost in the second half what it cost in the first.
      expect(curve[9]! - curve[4]!).toBeLessThan(0.7 * curve[4]!);
    },
  );

  it.each(cases.filter(([kind]) => kind !== 'beta-thompson'))(
    '%s %j: and for rewards that are any number',
    async (kind, config) => {
      const curve = await meanCurve(kind, config, gaussianWorld, ROUNDS);
      expect(curve[9]!).toBeLessThan(0.3 * meanUniform(gaussianWorld, ROUNDS));
      expect(curve[9]! - curve[4]!).toBeLessThan(0.7 * curve[4]!);
    },
  );
});

describe('in a world that is dealt anew', () => {
  const ROUNDS = 2_000;
  const make = (seed: number): BanditWorld => driftingWorld(seed, ROUNDS / 5);

  const cases: [kind: string, config: object, forgetting: object][] = [
    ['epsilon-greedy', {}, { forget: 0.01 }],
    ['softmax', {}, { forget: 0.01 }],
    // UCB1 comes back to an arm only because others' trials outnumber its own: they must fade together.
    ['ucb1', { exploration: 0.2 }, { forget: 0.005, forgetPer: 'experience' }],
    ['gaussian-thompson', {}, { forget: 0.01 }],
    ['beta-thompson', {}, { forget: 0.01 }],
  ];

  it.each(cases)('%s %j earns more if it forgets, and more than chance: %j', async (kind, config, forget) => {
    // A deterministic policy keeps to one arm for a whole batch.
    const batch = kind === 'ucb1' ? 5 : BATCH;
    const without = await meanCurve(kind, config, make, ROUNDS, batch);
    const forgetting = await meanCurve(kind, { ...config, ...forget }, make, ROUNDS, batch);
    expect(forgetting[9]!).toBeLessThan(0.85 * without[9]!);
    expect(forgetting[9]!).toBeLessThan(0.6 * meanUniform(make, ROUNDS));
  });
});

describe('in a world of many segments', () => {
  const ROUNDS = 800;
  const make = (seed: number): BanditWorld => segmentedWorld(seed, 12);

  it.each(['beta-thompson', 'gaussian-thompson'])(
    '%s learns faster with what other segments know than without, and more than all in one',
    async (kind) => {
      const regret = async (config: object): Promise<number> => (await meanCurve(kind, config, make, ROUNDS))[9]!;
      const backingOff = await regret({ segments: { priorWeight: 20 } });
      expect(backingOff).toBeLessThan(0.75 * (await regret({ segments: { priorWeight: 0 } })));
      expect(backingOff).toBeLessThan(0.95 * (await regret({})));
    },
  );
});
