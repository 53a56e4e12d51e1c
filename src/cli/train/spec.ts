/** What is to be trained, on what, and how: from names and files to a training spec. */
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { createEnvironment, ENVIRONMENT_NAMES } from '../../learners/environments/create-environment.js';
import { tabularEnvironment } from '../../learners/environments/tabular.js';
import { parseTransitionTable, type TransitionTable } from '../../learners/environments/transition-table.js';
import type { Environment } from '../../learners/environments/environment.js';
import { loadPlugin, parseLearnerConfig } from '../../learners/plugin-registry.js';
import { binsSchema, stateOf } from '../../learners/training/discretise.js';
import { presetFor } from '../../learners/training/presets.js';
import type { TrainingSpec } from '../../learners/training/training.js';
import { POLICY_FAMILIES } from '../../policies/families.js';
import { textOf } from '../input-file.js';

/** Short names that stand for a kind with a configuration. */
const VARIANTS: Readonly<Record<string, { readonly kind: string; readonly config: object }>> = {
  'double-q': { kind: 'q-learning', config: { double: true } },
};

const fileSchema = z.strictObject({
  /** The learner's own configuration; what it leaves out comes from the preset, then from the plug-in. */
  config: z.record(z.string(), z.unknown()).default({}),
  /** Bins of observations, for learners with tables. */
  bins: binsSchema.optional(),
  batch: z.number().int().min(1).max(100_000).optional(),
  refresh: z.number().int().min(1).max(1_000_000).optional(),
});
type TrainingFile = z.infer<typeof fileSchema>;

export interface Wanted {
  /** A built-in kind, a variant's name, or where a plug-in is. */
  readonly learner: string;
  /** An environment's name, or the path of a transition table (JSON). */
  readonly env: string;
  readonly steps?: number;
  readonly seed: number;
  /** Path of a YAML or JSON file. */
  readonly config?: string;
}

export interface Prepared {
  readonly spec: TrainingSpec;
  /** Of a tabular environment that was read from a file. */
  readonly table: TransitionTable | undefined;
  /** A second environment of the same kind, so that evaluating does not disturb the training's chance. */
  readonly evaluated: Environment;
}

/** Throws InvalidRequest `TRAIN_*`, `TRANSITION_TABLE`, `BINS_INVALID`, Configuration `LEARNER_*`, NotFound `ENVIRONMENT_UNKNOWN`. */
export async function prepare(wanted: Wanted): Promise<Prepared> {
  const variant = Object.hasOwn(VARIANTS, wanted.learner) ? VARIANTS[wanted.learner] : undefined;
  const table = wanted.env.endsWith('.json') ? parseTransitionTable(await readData(wanted.env, 'env')) : undefined;
  const environmentMade = (): Environment =>
    table === undefined ? createEnvironment(wanted.env) : tabularEnvironment(table);
  const environment = environmentMade();
  const file = wanted.config === undefined ? fileSchema.parse({}) : await readTrainingFile(wanted.config);
  const plugin = await loadPlugin(variant?.kind ?? wanted.learner);
  const preset = presetFor(plugin.kind, environment);
  const config = parseLearnerConfig(plugin, { ...preset.config, ...variant?.config, ...file.config });
  const spec: TrainingSpec = {
    plugin,
    config,
    environment,
    stateOf: stateOf(environment, file.bins ?? preset.bins),
    steps: wanted.steps ?? preset.steps,
    seed: wanted.seed,
    batch: file.batch ?? preset.batch,
    refresh: file.refresh ?? preset.refresh,
    families: POLICY_FAMILIES,
  };
  return { spec, table, evaluated: environmentMade() };
}

export const LEARNER_VARIANTS: readonly string[] = Object.keys(VARIANTS);
export const ENVIRONMENTS: readonly string[] = ENVIRONMENT_NAMES;

async function readTrainingFile(path: string): Promise<TrainingFile> {
  const parsed = fileSchema.safeParse(await readData(path, 'config'));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.') || 'config';
  throw new EngineError('InvalidRequest', 'TRAIN_CONFIG', `${path}: ${field}: ${issue.message}`, { field });
}

/** YAML, of which JSON is a part. */
async function readData(path: string, field: string): Promise<unknown> {
  let text: string;
  try {
    text = await textOf(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('InvalidRequest', 'TRAIN_FILE', `${path} cannot be read: ${why}.`, { field, cause });
  }
  try {
    return path.endsWith('.json') ? (JSON.parse(text) as unknown) : parseYaml(text);
  } catch (cause) {
    throw new EngineError('InvalidRequest', 'TRAIN_FILE', `${path} is neither YAML nor JSON.`, { field, cause });
  }
}
