import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Experience } from '../../messages/decisions.js';
import { LEARNED_FAMILIES } from '../../policies/registry/learned-families.js';
import { createEnvironment } from '../environments/create-environment.js';
import { tabularEnvironment } from '../environments/tabular.js';
import { parseTransitionTable, returnOf } from '../environments/transition-table.js';
import { anyPlugin, type AnyLearnerPlugin, type Learner, type LearnerPlugin } from '../learner.js';
import { parseLearnerConfig } from '../plugin-registry.js';
import { qLearning } from '../q-learning/learner.js';
import { sarsa } from '../sarsa/learner.js';
import { ActionSpace, chooseGreedily, policyOfExport } from './behaviour.js';
import { stateOf } from './discretise.js';
import { evaluateGreedily } from './evaluation.js';
import { train, type TrainingProgress, type TrainingSpec } from './training.js';

/** Five places in a row; the right end pays 1 and ends. Left of the start there is nothing: the mask says so. */
const CORRIDOR = parseTransitionTable({
  env: 'corridor',
  nS: 5,
  nA: 3,
  horizon: 20,
  start_distribution: { '0': 1 },
  T: Array.from({ length: 5 }, (_, s) => [
    [[1, Math.max(s - 1, 0), -0.01, false]],
    [[1, s, -0.01, false]],
    [[1, Math.min(s + 1, 4), s === 3 ? 1 : -0.01, s === 3]],
  ]),
  action_mask: Array.from({ length: 5 }, (_, s) => (s === 0 ? [0, 1, 1] : [1, 1, 1])),
});

const signal = new AbortController().signal;

function specOf(plugin: AnyLearnerPlugin, part: Partial<TrainingSpec> & { config?: unknown } = {}): TrainingSpec {
  const environment = part.environment ?? tabularEnvironment(CORRIDOR);
  return {
    plugin,
    environment,
    stateOf: stateOf(environment),
    steps: 2000,
    seed: 1,
    batch: 1,
    refresh: 20,
    families: LEARNED_FAMILIES,
    ...part,
    config: parseLearnerConfig(plugin, part.config ?? {}),
  };
}

/** Keeps what it is given, and acts by chance. */
function recorder(seen: Experience[], extra: Partial<Learner<unknown>> & object = {}): AnyLearnerPlugin {
  const plugin: LearnerPlugin<unknown, unknown> = {
    kind: 'recorder',
    incremental: true,
    configSchema: z.unknown(),
    stateSchema: z.unknown(),
    create: () => ({
      update: (batch) => {
        seen.push(...batch);
        return { learned: batch.length, lossSum: 1 };
      },
      snapshot: () => ({}),
      exportPolicy: () => ({
        family: 'q-table',
        parameters: { q: {}, initial: 0, exploration: { kind: 'epsilon-greedy', epsilon: 1 } },
      }),
      ...extra,
    }),
  };
  return anyPlugin(plugin);
}

describe('training on an environment', () => {
  it.each([anyPlugin(qLearning), anyPlugin(sarsa)])('lets $kind find the way', async (plugin) => {
    const exploration = { kind: 'epsilon-greedy', start: 0.3, min: 0.3 };
    const { learner } = await train(
      specOf(plugin, { config: { learningRate: { rate: 1, decay: 0.6 }, exploration } }),
      signal,
    );
    const policy = policyOfExport(learner.exportPolicy(), { id: 'p', version: 1 }, LEARNED_FAMILIES);
    const space = new ActionSpace('corridor', 3);
    const greedy = (state: number): number => {
      const mask = Uint8Array.from(CORRIDOR.action_mask![state]!);
      return chooseGreedily(space, policy, { observation: Float64Array.of(state), state: String(state), mask });
    };
    expect([0, 1, 2, 3].map(greedy)).toEqual([2, 2, 2, 2]);
    expect(returnOf(CORRIDOR, greedy)).toBeCloseTo(0.97, 12);
    const played = await evaluateGreedily(
      policy,
      tabularEnvironment(CORRIDOR),
      stateOf(tabularEnvironment(CORRIDOR)),
      3,
      1,
    );
    expect(played).toMatchObject({ episodes: 3, meanLength: 4 });
    expect(played.sd).toBeCloseTo(0, 12);
    expect(played.mean).toBeCloseTo(0.97, 12);
  });

  it('gives the same learner for the same seed, bit for bit, and another for another', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const config = { double: true, exploration: { kind: 'epsilon-greedy', start: 0.5, min: 0.5 } };
      const { learner, episodes } = await train(specOf(anyPlugin(qLearning), { seed, config }), signal);
      return { state: learner.snapshot(), episodes };
    };
    expect(await run(7)).toEqual(await run(7));
    expect(await run(7)).not.toEqual(await run(8));
  });

  it('tells what was chosen, out of what, with which probability, and what came next', async () => {
    const seen: Experience[] = [];
    const { episodes, learned, lossSum } = await train(specOf(recorder(seen), { steps: 400, batch: 7 }), signal);
    expect(seen).toHaveLength(400);
    expect(learned).toBe(400);
    expect(lossSum).toBe(Math.ceil(400 / 7));
    for (const [i, one] of seen.entries()) {
      const eligible = one.state === '0' ? ['1', '2'] : ['0', '1', '2'];
      expect(one.eligible).toEqual(eligible);
      expect(one.observation).toEqual([Number(one.state)]);
      const { id, propensity } = one.slate[0]!;
      expect(propensity).toBeCloseTo(1 / eligible.length, 12);
      expect(one.distribution[eligible.indexOf(id)]).toBe(propensity);
      const after = seen[i + 1];
      if (one.ending === undefined && after !== undefined) {
        expect(one.next).toMatchObject({ state: after.state, eligible: after.eligible, action: after.slate[0]!.id });
        expect(after).toMatchObject({ episode: one.episode, step: one.step! + 1 });
      }
      if (one.ending === 'terminal') expect(one).toMatchObject({ reward: 1, next: null });
      if (one.ending === 'truncated') {
        expect(one.step).toBe(19);
        expect(one.next!.state).toBeDefined();
        expect(one.next!.action).toBeUndefined();
      }
    }
    const endings = seen.filter((one) => one.ending !== undefined);
    expect(endings.map(({ ending }) => ending)).toEqual(expect.arrayContaining(['terminal', 'truncated']));
    expect(episodes).toHaveLength(endings.length);
    expect(new Set(seen.map((one) => one.decisionId)).size).toBe(400);
  });

  it('gives no state where there is none, and the observation always', async () => {
    const seen: Experience[] = [];
    await train(specOf(recorder(seen), { environment: createEnvironment('cartpole'), steps: 50 }), signal);
    expect(seen.every((one) => one.state === undefined && one.observation?.length === 4)).toBe(true);
    expect(seen[0]!.next).not.toHaveProperty('state');
  });

  it('lets a learner act in process without making policies of it', async () => {
    const seen: Experience[] = [];
    const acting = {
      actionDistribution: (_: Float64Array, mask: Uint8Array) =>
        Float64Array.from(mask[0] === 0 ? [0, 0, 1] : [0.5, 0, 0.5]),
      exportPolicy: () => {
        throw new Error('not needed');
      },
    };
    await train(specOf(recorder(seen, acting), { steps: 100 }), signal);
    expect(seen.filter((one) => one.state === '0').every((one) => one.slate[0]!.propensity === 1)).toBe(true);
    expect(seen.filter((one) => one.state !== '0').every((one) => one.slate[0]!.propensity === 0.5)).toBe(true);
  });

  it('waits for a learner that takes its time', async () => {
    let running = 0;
    const update = async () => {
      expect(++running).toBe(1);
      await Promise.resolve();
      running--;
      return { learned: 1 };
    };
    const { learned } = await train(specOf(recorder([], { update }), { steps: 30 }), signal);
    expect(learned).toBe(30);
  });

  it('ends soon after it is aborted, with the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const seen: Experience[] = [];
    const onProgress = ({ steps }: TrainingProgress): void => {
      if (steps >= 500) abort.abort(reason);
    };
    await expect(train(specOf(recorder(seen), { steps: 1e9 }), abort.signal, onProgress)).rejects.toBe(reason);
    expect(seen.length).toBeLessThan(2000);
  });

  it('passes on what a learner throws', async () => {
    const update = () => Promise.reject(new Error('diverged'));
    await expect(train(specOf(recorder([], { update })), signal)).rejects.toThrow('diverged');
  });

  it.each([
    ['POLICY_DISTRIBUTION', { actionDistribution: () => Float64Array.of(0, Number.NaN, 1) }],
    ['POLICY_DISTRIBUTION', { actionDistribution: () => Float64Array.of(0, 0.4, 0.4) }],
    ['POLICY_DISTRIBUTION', { actionDistribution: () => Float64Array.of(1) }],
    ['ARTIFACT_FAMILY_UNKNOWN', { exportPolicy: () => ({ family: 'toString', parameters: {} }) }],
    ['POLICY_PARAMETERS', { exportPolicy: () => ({ family: 'q-table', parameters: 5 }) }],
  ])('refuses a learner that acts wrongly (%s)', async (code, extra) => {
    await expect(train(specOf(recorder([], extra)), signal)).rejects.toMatchObject({ code });
  });
});
