/** One run of a table learner, measured against the exact values of its transition table. */
import { tabularEnvironment } from '../../src/learners/environments/tabular.js';
import { optimalReturn, returnOf, type TransitionTable } from '../../src/learners/environments/transition-table.js';
import { loadPlugin, parseLearnerConfig } from '../../src/learners/plugin-registry.js';
import { ActionSpace, chooseGreedily, policyOfExport } from '../../src/learners/training/behaviour.js';
import { stateOf } from '../../src/learners/training/discretise.js';
import { presetFor } from '../../src/learners/training/presets.js';
import { train } from '../../src/learners/training/training.js';
import { LEARNED_FAMILIES } from '../../src/policies/registry/learned-families.js';

/** Files `mdp_….json` of the reference data. */
export const TABULAR_WORLDS = ['frozenlake_4x4_slippery', 'cliffwalking', 'taxi'];
export const TABULAR_LEARNERS = ['q-learning', 'double-q', 'sarsa'];

export interface TabularMeasure {
  readonly world: string;
  readonly learner: string;
  readonly seed: number;
  readonly steps: number;
  /** Expected return of the learned greedy policy, exactly. */
  readonly exact: number;
  readonly optimum: number;
  readonly stepsPerSecond: number;
}

/** Trains with the preset of the world, but for what `changed` says. */
export async function measureTabular(
  table: TransitionTable,
  world: string,
  learner: string,
  seed: number,
  changed: { readonly steps?: number; readonly refresh?: number } = {},
): Promise<TabularMeasure> {
  const environment = tabularEnvironment(table);
  const plugin = await loadPlugin(learner === 'double-q' ? 'q-learning' : learner);
  const preset = presetFor(plugin.kind, environment);
  const double = learner === 'double-q' ? { double: true } : {};
  const config = parseLearnerConfig(plugin, { ...preset.config, ...double });
  const { steps, batch, refresh } = { ...preset, ...changed };
  const states = stateOf(environment);
  const spec = {
    plugin,
    config,
    environment,
    stateOf: states,
    steps,
    seed,
    batch,
    refresh,
    families: LEARNED_FAMILIES,
  };
  const startedMs = performance.now();
  const result = await train(spec, new AbortController().signal);
  const seconds = (performance.now() - startedMs) / 1000;
  const policy = policyOfExport(result.learner.exportPolicy(), { id: world, version: 1 }, LEARNED_FAMILIES);
  const space = new ActionSpace(environment.id, environment.actions);
  const exact = returnOf(table, (state) =>
    chooseGreedily(space, policy, { observation: Float64Array.of(state), state: String(state), mask: undefined }),
  );
  return { world, learner, seed, steps, exact, optimum: optimalReturn(table), stepsPerSecond: steps / seconds };
}
