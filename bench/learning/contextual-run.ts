/** A linear learner and its own policy in a loop, in process: decide, sample, learn. The code is what the engine runs. */
import { seededRandom, type SeededRandom } from '../../src/kernel/random.js';
import type { LinearLearner } from '../../src/learners/linear/learner.js';
import type { AnyLearnerPlugin } from '../../src/learners/learner.js';
import { linTs } from '../../src/learners/lin-ts/learner.js';
import { linUcb } from '../../src/learners/lin-ucb/learner.js';
import { logisticThompson } from '../../src/learners/logistic-thompson/learner.js';
import { anyPlugin } from '../../src/learners/learner.js';
import { parseLearnerConfig } from '../../src/learners/plugin-registry.js';
import type { Candidate, Experience } from '../../src/messages/decisions.js';
import { withFloor } from '../../src/policies/floor.js';
import type { DecisionContext, Policy } from '../../src/policies/policy.js';
import type { ContextualWorld } from './contextual-world.js';

const POLICY = { id: 'bench', version: 1 } as const;
const SURFACE = 'bench';
const NEVER = new AbortController().signal;

export interface Contender {
  readonly name: string;
  readonly plugin: AnyLearnerPlugin;
  readonly config: Readonly<Record<string, unknown>>;
  /** Share of uniform exploration mixed in. */
  readonly floor?: number;
}

/** ε-greedy has the same linear model: what differs is how it explores. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'lin-ucb', plugin: anyPlugin(linUcb), config: {} },
  { name: 'lin-ts', plugin: anyPlugin(linTs), config: {} },
  { name: 'logistic-thompson', plugin: anyPlugin(logisticThompson), config: {} },
  { name: 'lin-ts, v = 0.1', plugin: anyPlugin(linTs), config: { scale: 0.1 } },
  // The reshaped posterior of Chapelle and Li, who found α = 0.25 to do well.
  { name: 'logistic-thompson, v = 0.25', plugin: anyPlugin(logisticThompson), config: { scale: 0.25 } },
  { name: 'epsilon-greedy 0.1', plugin: anyPlugin(linUcb), config: { alpha: 0 }, floor: 0.1 },
  { name: 'epsilon-greedy 0.02', plugin: anyPlugin(linUcb), config: { alpha: 0 }, floor: 0.02 },
];

/** One learner that decides by what it knows at every moment. Only for models without shared weights. */
export class ContextualLoop {
  readonly learner: LinearLearner;
  readonly #policy: Policy;
  readonly #random: SeededRandom;

  constructor({ plugin, config, floor = 0 }: Contender, more: Readonly<Record<string, unknown>>, seed: number) {
    const parsed = parseLearnerConfig(plugin, { ...more, ...config });
    this.learner = plugin.create(parsed, { random: seededRandom(seed), surface: SURFACE }) as LinearLearner;
    this.#policy = withFloor(this.learner.livePolicy(POLICY), floor);
    this.#random = seededRandom(seed + 1_000_000);
  }

  /** The index of the candidate it chooses, and the distribution it chose from. */
  decide(context: DecisionContext['context'], candidates: readonly Candidate[]): [index: number, readonly number[]] {
    const distribution = this.#policy.distribution(
      { surface: SURFACE, subjectKind: 'rider', personalized: true, context, features: {}, nowMs: 0 },
      candidates,
    );
    let left = this.#random.next();
    for (let i = 0; i < distribution.length; i++) {
      left -= distribution[i]!;
      if (left < 0) return [i, distribution];
    }
    return [distribution.findLastIndex((p) => p > 0), distribution];
  }

  learn(context: DecisionContext['context'], id: string, propensity: number, reward: number): void {
    const experience: Experience = {
      decisionId: 'bench',
      surface: SURFACE,
      status: 'complete',
      decidedAtMs: 0,
      closedAtMs: 1,
      policy: POLICY,
      slate: [{ id, propensity }],
      eligible: [id],
      distribution: [propensity],
      context,
      features: {},
      reward,
      rewardedId: id,
      events: [],
    };
    this.learner.update([experience], NEVER);
  }
}

/** A disjoint model of every number of the world's context. */
export const worldFeatures = ({ names }: ContextualWorld) => ({
  features: { arm: { terms: names.map((name) => ({ kind: 'number', from: 'context', name })) } },
});

export interface RegretCurve {
  /** Rounds played, ascending. */
  readonly rounds: readonly number[];
  /** Sum of what the best candidate would have been expected to pay more, after so many rounds. */
  readonly regret: readonly number[];
}

/** Points of a curve within one factor of ten. */
const POINTS_PER_DECADE = 8;

export function playWorld(world: ContextualWorld, loop: ContextualLoop, rounds: number): RegretCurve {
  const at: number[] = [];
  const regret: number[] = [];
  let total = 0;
  let point = 0;
  for (let round = 1; round <= rounds; round++) {
    const situation = world.next();
    const [index, distribution] = loop.decide(situation.context, world.candidates);
    loop.learn(situation.context, world.candidates[index]!.id, distribution[index]!, world.reward(situation, index));
    total += Math.max(...situation.expected) - situation.expected[index]!;
    if (round < 10 ** (point / POINTS_PER_DECADE) && round < rounds) continue;
    while (10 ** (point / POINTS_PER_DECADE) <= round) point++;
    at.push(round);
    regret.push(total);
  }
  return { rounds: at, regret };
}

/** The slope of log regret over log rounds in the last decade: 1 where regret grows like the rounds, ½ like their root. */
export function growthExponent({ rounds, regret }: RegretCurve): number {
  const last = rounds.at(-1)!;
  const points = rounds
    .map((round, i) => [Math.log(round), Math.log(regret[i]!)] as const)
    .filter(([x]) => x >= Math.log(last / 10) - 1e-9);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const above = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return above / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
