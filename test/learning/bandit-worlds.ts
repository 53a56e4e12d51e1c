/** Worlds of arms with known means, and a learner at play in them: what a decision costs against the best arm. */
import { seededRandom, type Random } from '../../src/kernel/random.js';
import type { AnyLearnerPlugin } from '../../src/learners/learner.js';
import { parseLearnerConfig } from '../../src/learners/plugin-registry.js';
import type { Experience } from '../../src/messages/decisions.js';
import { LEARNED_FAMILIES } from '../../src/policies/registry/learned-families.js';
import { experience } from '../support/learning.js';
import { candidatesOf, contextOf } from './closed-loop.js';
import { drawFrom } from './draw.js';

export interface BanditWorld {
  readonly arms: readonly string[];
  /** Largest minus smallest reward that a learner should reckon with. */
  readonly reward: { readonly min: number; readonly max: number };
  /** The states that decisions are made in, each as often; none where all decisions are alike. */
  readonly segments: readonly string[];
  /** Mean rewards in the order of the arms. */
  meansAt(round: number, segment: number): readonly number[];
  draw(mean: number, random: Random): number;
}

const named = (n: number): string[] => Array.from({ length: n }, (_, i) => `arm-${i}`);
const ALL_ALIKE: readonly string[] = [];

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const list = [...values];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}

export const normalDraw = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

const bernoulli = (mean: number, random: Random): number => (random.next() < mean ? 1 : 0);

/** Ten arms from 0.15 to 0.6, in steps of 0.05. */
export function bernoulliWorld(seed: number): BanditWorld {
  const means = shuffled(
    Array.from({ length: 10 }, (_, i) => 0.15 + 0.05 * i),
    seededRandom(seed),
  );
  const reward = { min: 0, max: 1 };
  return { arms: named(10), reward, segments: ALL_ALIKE, meansAt: () => means, draw: bernoulli };
}

/** Ten arms from −0.9 to 0.9 in steps of 0.2, each with a standard deviation of 0.5. */
export function gaussianWorld(seed: number): BanditWorld {
  const means = shuffled(
    Array.from({ length: 10 }, (_, i) => -0.9 + 0.2 * i),
    seededRandom(seed),
  );
  return {
    arms: named(10),
    reward: { min: -3, max: 3 },
    segments: ALL_ALIKE,
    meansAt: () => means,
    draw: (mean, random) => mean + 0.5 * normalDraw(random),
  };
}

/** Six arms; every `period` rounds the means are dealt anew, so that another arm is best. */
export function driftingWorld(seed: number, period: number): BanditWorld {
  const random = seededRandom(seed);
  const deals: number[][] = [[0.1, 0.2, 0.3, 0.4, 0.5, 0.8]];
  return {
    arms: named(6),
    reward: { min: 0, max: 1 },
    segments: ALL_ALIKE,
    meansAt(round) {
      const deal = Math.floor(round / period);
      while (deals.length <= deal) {
        const last = deals.at(-1)!;
        let next = shuffled(last, random);
        while (next.indexOf(0.8) === last.indexOf(0.8)) next = shuffled(last, random);
        deals.push(next);
      }
      return deals[deal]!;
    },
    draw: bernoulli,
  };
}

/** Eight arms whose means differ by segment, but not very: a segment's is the common one, ± 0.15 or so. */
export function segmentedWorld(seed: number, segments: number): BanditWorld {
  const random = seededRandom(seed);
  const common = shuffled(
    Array.from({ length: 8 }, (_, i) => 0.1 + 0.08 * i),
    random,
  );
  const means = Array.from({ length: segments }, () =>
    common.map((mean) => Math.min(Math.max(mean + 0.15 * normalDraw(random), 0.02), 0.98)),
  );
  return {
    arms: named(8),
    reward: { min: 0, max: 1 },
    segments: Array.from({ length: segments }, (_, i) => `segment=${i}`),
    meansAt: (_round, segment) => means[segment]!,
    draw: bernoulli,
  };
}

export interface Play {
  readonly plugin: AnyLearnerPlugin;
  readonly config: unknown;
  readonly world: BanditWorld;
  readonly rounds: number;
  /** Decisions between two versions of the policy. */
  readonly batch: number;
  readonly seed: number;
}

/** Expected regret after each tenth of the rounds: Σ (best mean − Σ p·mean), from the policy's own probabilities. */
export async function regretOf({ plugin, config, world, rounds, batch, seed }: Play): Promise<number[]> {
  const random = seededRandom(seed);
  const parsed = parseLearnerConfig(plugin, { reward: world.reward, ...(config as object) });
  const learner = plugin.create(parsed, { random: seededRandom(seed + 1), surface: 's' });
  const candidates = candidatesOf(world.arms);
  const curve: number[] = [];
  let regret = 0;
  for (let round = 0; round < rounds;) {
    const { family, parameters } = learner.exportPolicy();
    const policy = LEARNED_FAMILIES[family]!({ policy: { id: 'p', version: round }, parameters });
    const seen: Experience[] = [];
    // A policy is pure: within a batch the same segment is asked the same.
    const asked = new Map<string | undefined, readonly number[]>();
    for (let i = 0; i < batch && round < rounds; i++, round++) {
      const segment = Math.floor(random.next() * Math.max(world.segments.length, 1));
      const state = world.segments[segment];
      const means = world.meansAt(round, segment);
      const distribution = asked.get(state) ?? policy.distribution(contextOf(state), candidates);
      asked.set(state, distribution);
      let expected = 0;
      means.forEach((mean, arm) => (expected += distribution[arm]! * mean));
      regret += Math.max(...means) - expected;
      const arm = drawFrom(distribution, random.next());
      const id = world.arms[arm]!;
      seen.push(
        experience({
          slate: [{ id, propensity: distribution[arm]! }],
          eligible: world.arms,
          distribution,
          reward: world.draw(means[arm]!, random),
          rewardedId: id,
          ...(state === undefined ? {} : { state }),
        }),
      );
      if ((round + 1) % (rounds / 10) === 0) curve.push(regret);
    }
    await learner.update(seen, new AbortController().signal);
  }
  return curve;
}

/** What choosing uniformly costs. */
export function uniformRegret(world: BanditWorld, rounds: number): number {
  const segments = Math.max(world.segments.length, 1);
  let regret = 0;
  for (let round = 0; round < rounds; round++) {
    const means = world.meansAt(round, round % segments);
    regret += Math.max(...means) - means.reduce((sum, mean) => sum + mean, 0) / means.length;
  }
  return regret;
}
