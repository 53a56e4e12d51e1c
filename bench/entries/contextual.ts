/** What contextual bandits cost, decisions and updates together, and how near LinTS comes to ideal Thompson sampling. */
import { seededRandom, type SeededRandom } from '../../src/kernel/random.js';
import { linTsConfigSchema } from '../../src/learners/lin-ts/config.js';
import { fillNormals } from '../../src/learners/linear/draws.js';
import { FeatureEncoder } from '../../src/policies/features/encoder.js';
import { unpackBeliefs } from '../../src/policies/linear/beliefs.js';
import { newPrediction } from '../../src/policies/linear/model.js';
import { shapeOf } from '../../src/policies/linear/parameters.js';
import { less, more, type Entry, type Result } from '../entry.js';
import { CONTENDERS, ContextualLoop, worldFeatures } from '../learning/contextual-run.js';
import { ContextualWorld, type Situation } from '../learning/contextual-world.js';
import { cpuUsEach } from '../support/timed.js';

const SIZE = 32;
const ARMS = 20;
const ROUNDS = 100_000;
const SITUATIONS = 1024;
const SEED = 7;
const LIN_UCB_PROMISED = 45_000;
/** What a quadrature of each arm against each other gives. */
const LIN_TS_PROMISED = 9_700;
/** Rounds after which LinTS is still undecided, contexts it is asked in, and samples for each. */
const UNDECIDED_AFTER = 400;
const ASKED = 8;
const SAMPLES = 250_000;

const REWARD = { reward: { min: -10, max: 10 } };

function started(name: string): { world: ContextualWorld; loop: ContextualLoop; config: Record<string, unknown> } {
  const world = new ContextualWorld('linear', { size: SIZE, arms: ARMS, seed: SEED });
  const config = { ...worldFeatures(world), ...REWARD };
  const contender = CONTENDERS.find((one) => one.name === name)!;
  return { world, loop: new ContextualLoop(contender, config, SEED), config };
}

function play({ world, loop }: ReturnType<typeof started>, situation: Situation): void {
  const [index, distribution] = loop.decide(situation.context, world.candidates);
  const reward = world.reward(situation, index);
  loop.learn(situation.context, world.candidates[index]!.id, distribution[index]!, reward);
}

function rate(name: string, target: number): Result {
  const game = started(name);
  const situations = Array.from({ length: SITUATIONS }, () => game.world.next());
  const us = cpuUsEach(ROUNDS, (round) => play(game, situations[round % SITUATIONS]!));
  return more(`contextual.${name}`, 1e6 / us, 'decisions+updates/s', { target });
}

/** The largest difference of any candidate's probability from the share of samples that it wins. */
function distance(): Result {
  const game = started('lin-ts');
  const { world, loop } = game;
  for (let round = 0; round < UNDECIDED_AFTER; round++) play(game, world.next());
  const config = linTsConfigSchema.parse(game.config);
  const model = unpackBeliefs(loop.learner.snapshot().beliefs, shapeOf(config), { armsMax: ARMS, forget: 0 });
  const encoder = new FeatureEncoder(config.features.arm!);
  const policy = loop.learner.livePolicy({ id: 'bench', version: 1 });
  const random = seededRandom(SEED);
  const x = new Float64Array(SIZE);
  const prediction = newPrediction();
  let worst = 0;
  let noise = 0;
  for (let asked = 0; asked < ASKED; asked++) {
    const { context } = world.next();
    encoder.encode({ context, subject: {}, candidate: {}, candidateId: '' }, x);
    const means = new Float64Array(ARMS);
    const deviations = new Float64Array(ARMS);
    for (const [i, { id }] of world.candidates.entries()) {
      model.predict(id, x, new Float64Array(0), prediction);
      means[i] = prediction.mean;
      deviations[i] = config.scale * Math.sqrt(prediction.armVariance);
    }
    const decision = {
      surface: 'bench',
      subjectKind: 'rider',
      personalized: true,
      context,
      features: {},
      nowMs: 0,
    } as const;
    const exact = policy.distribution(decision, world.candidates);
    const [one, other] = [sampled(means, deviations, random), sampled(means, deviations, random)];
    for (let i = 0; i < ARMS; i++) {
      worst = Math.max(worst, Math.abs(exact[i]! - (one[i]! + other[i]!) / 2));
      // Half the difference of two halves is as far off as their mean is.
      noise = Math.max(noise, Math.abs(one[i]! - other[i]!) / 2);
    }
  }
  return less('contextual.lin-ts-distance', worst, `from ${2 * SAMPLES} samples; limit: their own error`, {
    limit: noise,
  });
}

/** How often each arm has the largest of independent Gaussian scores. */
function sampled(means: Float64Array, deviations: Float64Array, random: SeededRandom): Float64Array {
  const wins = new Float64Array(means.length);
  const normals = new Float64Array(means.length);
  for (let sample = 0; sample < SAMPLES; sample++) {
    fillNormals(random, normals);
    let best = 0;
    let largest = -Infinity;
    for (let i = 0; i < means.length; i++) {
      const score = means[i]! + deviations[i]! * normals[i]!;
      if (score > largest) [largest, best] = [score, i];
    }
    wins[best]! += 1 / SAMPLES;
  }
  return wins;
}

export const contextual: Entry = {
  name: 'contextual',
  about: `decisions and updates of contextual bandits on one thread, ${SIZE} numbers, ${ARMS} candidates`,
  async run({ say }) {
    await Promise.resolve();
    const results = [rate('lin-ucb', LIN_UCB_PROMISED), rate('lin-ts', LIN_TS_PROMISED)];
    say('against brute force');
    return [...results, distance()];
  },
};
