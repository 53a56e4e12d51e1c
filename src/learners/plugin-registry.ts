/** Finds a learner plug-in by its kind, or loads one from a module. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { EngineError } from '../kernel/errors.js';
import { betaThompson } from './beta-thompson/learner.js';
import { dqn } from './dqn/learner.js';
import { epsilonGreedy } from './epsilon-greedy/learner.js';
import { gaussianThompson } from './gaussian-thompson/learner.js';
import { linTs } from './lin-ts/learner.js';
import { linUcb } from './lin-ucb/learner.js';
import { logisticThompson } from './logistic-thompson/learner.js';
import { popularity } from './popularity/learner.js';
import { softmax } from './softmax/learner.js';
import { ucb1 } from './ucb1/learner.js';
import { anyPlugin, type AnyLearnerPlugin } from './learner.js';
import { qLearning } from './q-learning/learner.js';
import { sarsa } from './sarsa/learner.js';

const BUILT_IN: ReadonlyMap<string, AnyLearnerPlugin> = new Map(
  [
    anyPlugin(betaThompson),
    anyPlugin(qLearning),
    anyPlugin(sarsa),
    anyPlugin(dqn),
    anyPlugin(epsilonGreedy),
    anyPlugin(gaussianThompson),
    anyPlugin(popularity),
    anyPlugin(softmax),
    anyPlugin(ucb1),
    anyPlugin(linUcb),
    anyPlugin(linTs),
    anyPlugin(logisticThompson),
  ].map((plugin) => [plugin.kind, plugin]),
);

export const BUILT_IN_KINDS: readonly string[] = [...BUILT_IN.keys()];

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isSchema = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'safeParse' in value && isFunction(value.safeParse);

/** The least that makes a module's export a plug-in; the conformance suite checks the rest. */
const pluginShape = z.object({
  kind: z.string().min(1).max(64),
  incremental: z.boolean(),
  configSchema: z.custom(isSchema, 'must be a schema'),
  stateSchema: z.custom(isSchema, 'must be a schema'),
  create: z.custom(isFunction, 'must be a function'),
});

/** What a plug-in that is a function is given, so that it needs no package of its own. */
export interface PluginToolkit {
  /** The engine's own Zod: schemas made with it are the ones that the engine checks with. */
  readonly z: typeof z;
}

/**
 * `kind` is a built-in kind, or where a module is: a path (absolute, or from the working directory where it begins with a
 * dot) of a file or of a package's folder, a file URL, or the name of an installed package. Its export `plugin` (or
 * default export) is a LearnerPlugin, or a function that makes one of a PluginToolkit. Rejects with Configuration
 * `LEARNER_KIND_UNKNOWN` or `LEARNER_PLUGIN_INVALID`.
 */
export async function loadPlugin(kind: string): Promise<AnyLearnerPlugin> {
  const builtIn = BUILT_IN.get(kind);
  if (builtIn) return builtIn;
  let module: Record<string, unknown>;
  try {
    module = (await import(specifierOf(kind))) as Record<string, unknown>;
  } catch (cause) {
    const known = BUILT_IN_KINDS.join(', ');
    const why = cause instanceof Error ? ` ${cause.message.split('\n')[0]}` : '';
    const message = `${kind} is none of ${known}, nor a module that loads.${why}`;
    throw configuration('LEARNER_KIND_UNKNOWN', message, 'kind', cause);
  }
  const plugin = made(kind, module['plugin'] ?? module['default']);
  const parsed = pluginShape.safeParse(plugin);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const what = `${issue.path.join('.') || 'plugin'}: ${issue.message}`;
    throw configuration('LEARNER_PLUGIN_INVALID', `${kind} does not export a learner plug-in: ${what}`, 'kind');
  }
  return plugin as AnyLearnerPlugin;
}

/** What `import` takes for a kind that is not built in. */
function specifierOf(kind: string): string {
  const isPath = isAbsolute(kind) || kind.startsWith('./') || kind.startsWith('../');
  if (!isPath && !kind.startsWith('file:')) return kind;
  const path = isPath ? resolve(kind) : fileURLToPath(kind);
  return pathToFileURL(existsSync(path) && statSync(path).isDirectory() ? entryOf(path) : path).href;
}

const entryTarget = z.union([z.string(), z.looseObject({ import: z.string() }).transform((found) => found.import)]);
const packageShape = z.looseObject({
  exports: z.union([entryTarget, z.looseObject({ '.': entryTarget }).transform((found) => found['.'])]).optional(),
  main: z.string().optional(),
});

/** A folder's entry, as its package.json says; `import` itself takes no folders. */
function entryOf(folder: string): string {
  const { exports, main } = packageShape.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  return join(folder, exports ?? main ?? 'index.js');
}

function made(kind: string, exported: unknown): unknown {
  if (typeof exported !== 'function') return exported;
  try {
    return (exported as (toolkit: PluginToolkit) => unknown)({ z });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw configuration('LEARNER_PLUGIN_INVALID', `${kind} fails to make its plug-in: ${why}`, 'kind', cause);
  }
}

/** Throws Configuration `LEARNER_CONFIG_INVALID` naming the field. */
export function parseLearnerConfig(plugin: AnyLearnerPlugin, config: unknown): unknown {
  const parsed = plugin.configSchema.safeParse(config ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = ['config', ...issue.path].join('.');
  throw configuration('LEARNER_CONFIG_INVALID', `${plugin.kind}: ${field}: ${issue.message}`, field);
}

const configuration = (code: string, message: string, field: string, cause?: unknown): EngineError =>
  new EngineError('Configuration', code, message, { field, ...(cause === undefined ? {} : { cause }) });
