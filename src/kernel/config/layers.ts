/** Configuration as layers of plain objects: built-in values, then files, then the environment. */
import { parse, parseDocument } from 'yaml';
import type { Problem } from './schema.js';

export type Tree = { [key: string]: unknown };

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `over` laid on `under`: maps are merged, everything else (lists too) is replaced. Neither is changed. */
export function overlay(under: Tree, over: Tree): Tree {
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(merged, key) ? merged[key] : undefined;
    Object.defineProperty(merged, key, {
      value: isTree(below) && isTree(value) ? overlay(below, value) : value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return merged;
}

/** A YAML file's content; an empty one is an empty layer. */
export function parseLayer(text: string, file: string, problems: Problem[]): Tree {
  const document = parseDocument(text, { prettyErrors: true });
  for (const error of document.errors) problems.push({ field: file, rule: error.message.split('\n')[0]! });
  if (document.errors.length > 0) return {};
  const value: unknown = document.toJS();
  if (value === null || value === undefined) return {};
  if (isTree(value)) return value;
  problems.push({ field: file, rule: 'must be a YAML map' });
  return {};
}

/** Environment variables with a name of their own, and the field each sets. Texts but for the port. */
const NAMED: Readonly<Record<string, string>> = {
  ATTUNE_ROLE: 'role',
  ATTUNE_NATS_URL: 'nats.url',
  ATTUNE_NATS_USER: 'nats.user',
  ATTUNE_NATS_PASSWORD: 'nats.password',
  DATABASE_URL: 'database.url',
  ATTUNE_HTTP_PORT: 'http.port',
  ATTUNE_HTTP_HOST: 'http.host',
  ATTUNE_STATE_DIR: 'stateDir',
  ATTUNE_HOST_ID: 'cluster.hostId',
  ATTUNE_LOG_LEVEL: 'log.level',
};

/** Variables of the tools and tests around the engine: not its own, and no mistake. */
const OTHERS: ReadonlySet<string> = new Set(['ATTUNE_DATA_DIR', 'ATTUNE_TEST_NO_SKIPS']);

/** Names files, and so is read before the layers are. */
export const FILES_VARIABLE = 'ATTUNE_CONFIG';

/**
 * The environment as a layer. `ATTUNE__limits__mailboxMax=128` sets limits.mailboxMax (any case; the value is YAML).
 * Empty variables count as unset; unknown names that begin with ATTUNE_ are problems. `known` is the tree of all
 * fields that have a built-in value: it gives keys their spelling.
 */
export function environmentLayer(env: NodeJS.ProcessEnv, known: Tree, problems: Problem[]): Tree {
  let layer: Tree = {};
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || text === '' || variable === FILES_VARIABLE || OTHERS.has(variable)) continue;
    const field = NAMED[variable];
    if (field !== undefined) {
      const value = field === 'http.port' && /^\d+$/.test(text) ? Number(text) : text;
      layer = overlay(layer, nested(field.split('.'), value));
    } else if (variable.startsWith('ATTUNE__')) {
      const path = spelled(variable.slice('ATTUNE__'.length).split('__'), known);
      const value = parseValue(text, variable, problems);
      if (path.some((key) => key === '' || key === '__proto__'))
        problems.push({ field: variable, rule: 'names no field' });
      else if (value.ok) layer = overlay(layer, nested(path, value.value));
    } else if (variable.startsWith('ATTUNE_')) {
      const names = [...Object.keys(NAMED), FILES_VARIABLE].filter((n) => n.startsWith('ATTUNE_'));
      problems.push({
        field: variable,
        rule: `is not a known variable; known: ${names.join(', ')}, ATTUNE__section__key`,
      });
    }
  }
  return layer;
}

function parseValue(text: string, variable: string, problems: Problem[]): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: parse(text) as unknown };
  } catch {
    problems.push({ field: variable, rule: 'is not a YAML value; put it in quotes' });
    return { ok: false };
  }
}

function nested(path: readonly string[], value: unknown): Tree {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree;
}

function spelled(path: readonly string[], known: Tree): string[] {
  let here: unknown = known;
  return path.map((key) => {
    const names = isTree(here) ? Object.keys(here) : [];
    const name = names.find((n) => n.toLowerCase() === key.toLowerCase()) ?? key;
    here = isTree(here) ? here[name] : undefined;
    return name;
  });
}
