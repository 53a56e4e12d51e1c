/**
 * Q-learning on Gymnasium's toy texts, from their transition tables alone, against values computed by dynamic
 * programming. The tables are reference data outside the repository: ATTUNE_DATA names their folder.
 */
import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { seededRandom } from '../../src/kernel/random.js';
import { anyPlugin } from '../../src/learners/learner.js';
import { qLearning } from '../../src/learners/q-learning/learner.js';
import { candidatesOf, contextOf, Loop } from './closed-loop.js';
import { drawFrom } from './draw.js';

interface Mdp {
  readonly nA: number;
  readonly horizon: number;
  readonly start_distribution: Record<string, number>;
  readonly T: readonly (readonly (readonly [number, number, number, boolean])[])[][];
}

const folder = join(process.env['ATTUNE_DATA'] ?? resolve('../shared/data'), 'rl_reference');
const present = existsSync(join(folder, 'mdp_cliffwalking.json'));
if (!present) process.stderr.write(`Tabular benchmarks skipped: there is no ${folder}.\n`);

const read = (name: string): Mdp => JSON.parse(readFileSync(join(folder, `mdp_${name}.json`), 'utf8')) as Mdp;
const actionsOf = (mdp: Mdp): string[] => Array.from({ length: mdp.nA }, (_, a) => String(a));
const startOf = (mdp: Mdp): number => Number(Object.keys(mdp.start_distribution)[0]);

function train(mdp: Mdp, config: object, episodes: number): Loop {
  const loop = new Loop(anyPlugin(qLearning), config, 1);
  const world = seededRandom(17);
  const actions = actionsOf(mdp);
  for (let episode = 0; episode < episodes; episode++) {
    let state = startOf(mdp);
    // Steps of an episode are learned last first: what is known of the end reaches the beginning at once.
    const steps = [];
    for (let t = 0; t < mdp.horizon; t++) {
      // Q-learning learns the best policy from any behaviour that tries everything, such as chance.
      const action = actions[Math.floor(world.next() * actions.length)]!;
      const outcomes = mdp.T[state]![Number(action)]!;
      const [, to, reward, terminal] =
        outcomes[
          drawFrom(
            outcomes.map(([p]) => p),
            world.next(),
          )
        ]!;
      steps.push({
        slate: [{ id: action, propensity: 1 / actions.length }],
        state: String(state),
        reward,
        rewardedId: action,
        terminal,
        next: { state: String(to), eligible: actions },
      });
      state = to;
      if (terminal) break;
    }
    loop.learn(steps.reverse());
  }
  return loop;
}

/** Expected return of the greedy policy within the horizon, computed exactly. */
function greedyReturn(mdp: Mdp, loop: Loop): number {
  const actions = actionsOf(mdp);
  const candidates = candidatesOf(actions);
  const greedy = mdp.T.map((_, state) => {
    const scores = loop.policy.scores(contextOf(String(state)), candidates);
    return scores.indexOf(Math.max(...scores));
  });
  let mass = new Map([[startOf(mdp), 1]]);
  let total = 0;
  for (let t = 0; t < mdp.horizon; t++) {
    const following = new Map<number, number>();
    for (const [state, p] of mass) {
      for (const [q, to, reward, terminal] of mdp.T[state]![greedy[state]!]!) {
        total += p * q * reward;
        if (!terminal) following.set(to, (following.get(to) ?? 0) + p * q);
      }
    }
    mass = following;
  }
  return total;
}

(present ? describe : describe.skip)('Q-learning on tabular benchmarks', () => {
  it('walks along the cliff on the shortest way (−13)', () => {
    const mdp = read('cliffwalking');
    const loop = train(mdp, { discount: 1, learningRate: { rate: 1 } }, 1500);
    expect(greedyReturn(mdp, loop)).toBeCloseTo(-13, 9);
  });

  it('crosses the frozen lake for certain where it is not slippery (1)', () => {
    const mdp = read('frozenlake_4x4_deterministic');
    const loop = train(mdp, { discount: 0.99, learningRate: { rate: 1 } }, 1500);
    expect(greedyReturn(mdp, loop)).toBeCloseTo(1, 9);
  });

  it('crosses the slippery lake nearly as often as can be (0.740 with this discount)', () => {
    const mdp = read('frozenlake_4x4_slippery');
    const loop = train(mdp, { discount: 0.99, learningRate: { rate: 1, decay: 0.7 } }, 20_000);
    expect(greedyReturn(mdp, loop)).toBeGreaterThan(0.7);
  });
});
