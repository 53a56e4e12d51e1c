/** Finds a learner plug-in by its kind, or loads one from a module. */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { EngineError } from '../kernel/errors.js';
import { betaThompson } from './beta-thompson/learner.js';
import { anyPlugin, type AnyLearnerPlugin } from './learner.js';
import { qLearning } from './q-learning/learner.js';

const BUILT_IN: ReadonlyMap<string, AnyLearnerPlugin> = new Map(
  [anyPlugin(betaThompson), anyPlugin(qLearning)].map((plugin) => [plugin.kind, plugin]),
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

/**
 * `kind` is a built-in kind, or where a module is: an absolute path, a file URL or a package name, whose export `plugin`
 * (or default export) is a LearnerPlugin. Rejects with Configuration `LEARNER_KIND_UNKNOWN` or `LEARNER_PLUGIN_INVALID`.
 */
export async function loadPlugin(kind: string): Promise<AnyLearnerPlugin> {
  const builtIn = BUILT_IN.get(kind);
  if (builtIn) return builtIn;
  let module: Record<string, unknown>;
  try {
    module = (await import(isAbsolute(kind) ? pathToFileURL(kind).href : kind)) as Record<string, unknown>;
  } catch (cause) {
    const known = BUILT_IN_KINDS.join(', ');
    throw configuration('LEARNER_KIND_UNKNOWN', `${kind} is none of ${known}, nor a module that loads.`, 'kind', cause);
  }
  const plugin = module['plugin'] ?? module['default'];
  const parsed = pluginShape.safeParse(plugin);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const what = `${issue.path.join('.') || 'plugin'}: ${issue.message}`;
    throw configuration('LEARNER_PLUGIN_INVALID', `${kind} does not export a learner plug-in: ${what}`, 'kind');
  }
  return plugin as AnyLearnerPlugin;
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
