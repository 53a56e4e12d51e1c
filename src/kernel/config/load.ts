import { readFileSync } from 'node:fs';
import type { ZodType } from 'zod';
import { EngineError } from '../errors.js';
import { isSecretKey, redact, REDACTED } from '../redact.js';
import { environmentLayer, FILES_VARIABLE, isTree, overlay, parseLayer, type Tree } from './layers.js';
import { CONFIG_DEFAULTS, configSchema, relationProblems, type Config, type Problem } from './schema.js';

/** A part of the configuration that a higher layer owns. */
export interface ConfigSection<T> {
  readonly schema: ZodType<T>;
  readonly defaults: T;
}

export interface ConfigSources<Fold> {
  /** YAML files, later ones over earlier ones. `ATTUNE_CONFIG` names further ones, separated by commas. */
  readonly files: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly fold: ConfigSection<Fold>;
}

/**
 * Reads files and environment once and returns the whole configuration, deeply frozen. Rejects everything it does not
 * know: throws Configuration `CONFIG_INVALID` with every problem at once, each with field, value (secrets redacted)
 * and rule.
 */
export function loadConfig<Fold>(sources: ConfigSources<Fold>): Config<Fold> {
  const { config, problems } = readConfig(sources);
  if (config === undefined || problems.length > 0) throw configInvalid(problems);
  return config;
}

export interface ReadConfig<Fold> {
  /**
   * Deeply frozen. Where there are problems, what of it is sound, with built-in values in the sections that are not: enough
   * to look for further problems. Undefined where not even that can be had.
   */
  readonly config: Config<Fold> | undefined;
  readonly problems: Problem[];
}

/** As loadConfig, for who has more to check before everything is said. */
export function readConfig<Fold>({ files, env, fold }: ConfigSources<Fold>): ReadConfig<Fold> {
  const problems: Problem[] = [];
  let tree = overlay(CONFIG_DEFAULTS, { fold: fold.defaults });
  const known = overlay(tree, {
    nats: { url: '', user: '', password: '' },
    database: { url: '' },
    cluster: { hostId: '' },
  });
  for (const file of [...files, ...moreFiles(env)]) tree = overlay(tree, readLayer(file, problems));
  tree = overlay(tree, environmentLayer(env, known, problems));
  const schema = configSchema(fold.schema);
  let parsed = schema.safeParse(tree);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(...problemsOf(issue, tree));
    parsed = schema.safeParse(withoutUnsound(tree, parsed.error.issues, { ...CONFIG_DEFAULTS, fold: fold.defaults }));
    if (!parsed.success) return { config: undefined, problems };
  }
  const config = deepFreeze(parsed.data as Config<Fold>);
  problems.push(...relationProblems(config));
  return { config, problems };
}

/** Built-in values in place of the sections that have problems. */
function withoutUnsound(tree: Tree, issues: readonly Issue[], builtIn: Tree): Tree {
  const unsound = new Set(issues.flatMap(({ path, keys }) => (path.length > 0 ? [String(path[0])] : (keys ?? []))));
  const sound = Object.entries(tree).filter(([section]) => !unsound.has(section));
  return { ...builtIn, ...Object.fromEntries(sound) };
}

function moreFiles(env: NodeJS.ProcessEnv): string[] {
  const text = env[FILES_VARIABLE] ?? '';
  return text.split(',').flatMap((file) => (file.trim() === '' ? [] : [file.trim()]));
}

function readLayer(file: string, problems: Problem[]): Tree {
  try {
    return parseLayer(readFileSync(file, 'utf8'), file, problems);
  } catch (error) {
    problems.push({ field: file, rule: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` });
    return {};
  }
}

type Issue = {
  readonly path: PropertyKey[];
  readonly message: string;
  readonly code: string;
  readonly keys?: string[];
};

function problemsOf(issue: Issue, tree: Tree): Problem[] {
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map((key) => ({ field: fieldName([...issue.path, key]), rule: 'is not a known field' }));
  }
  const value = issue.path.reduce<unknown>(
    (here, key) =>
      typeof here === 'object' && here !== null ? (here as Record<PropertyKey, unknown>)[key] : undefined,
    tree,
  );
  return [{ field: fieldName(issue.path), value, rule: issue.message }];
}

const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : name === '' ? String(key) : `${name}.${String(key)}`),
    '',
  );

/** Configuration `CONFIG_INVALID`, with every problem. */
export function configInvalid(problems: readonly Problem[]): EngineError {
  const lines = problems.map(({ field, value, rule }) => `  ${field}${shown(field, value)}: ${rule}`);
  const many = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new EngineError('Configuration', 'CONFIG_INVALID', `The configuration has ${many}:\n${lines.join('\n')}`, {
    field: problems[0]!.field,
  });
}

function shown(field: string, value: unknown): string {
  if (value === undefined) return '';
  if (isSecretKey(field)) return ` = ${REDACTED}`;
  const text = JSON.stringify(redact(value)) ?? String(value);
  // A URL without its scheme is not recognised as one, and may still hold a password.
  if (/url$/i.test(field) && !text.includes('://') && text.includes('@')) return ` = ${REDACTED}`;
  return ` = ${text.length > 120 ? `${text.slice(0, 120)}…` : text}`;
}

function deepFreeze<T>(value: T): T {
  if (isTree(value) || Array.isArray(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
