/** What the configuration and its folders declare, read once at boot, before anything is started. */
import { configInvalid, readConfig, type Config, type ConfigSources, type Problem } from '../kernel/config/index.js';
import { isTimeZone, timeZoneOf } from './time-zone.js';
import { learnerProblems } from '../actors/learner/learner-host.js';
import { FOLD_CONFIG, type FoldConfig, type FoldSettings } from '../messages/settings.js';
import { readPolicies, type DeclaredPolicies } from '../policies/declared-policies.js';
import { episodesOf, readSurfaces, rewardsOf, type Surfaces } from '../surfaces/load-surfaces.js';

export type EngineConfig = Config<FoldConfig>;

export interface World {
  readonly surfaces: Surfaces;
  readonly policies: DeclaredPolicies;
  /** What is journaled with every barrier. */
  readonly settings: FoldSettings;
}

export interface Declared {
  readonly config: EngineConfig;
  readonly world: World;
}

/**
 * Reads the configuration, surfaces and policies, and loads every learner's plug-in. Rejects with one Configuration
 * `CONFIG_INVALID` that lists every problem of all of them: field or file, value and rule. `nowMs`: where the journaled
 * time zone begins.
 */
export async function loadDeclared(sources: Omit<ConfigSources<never>, 'fold'>, nowMs: number): Promise<Declared> {
  const { config, problems } = readConfig({ ...sources, fold: FOLD_CONFIG });
  if (config === undefined) throw configInvalid(problems);
  const world = readWorld(config, nowMs, problems);
  if (config.role === 'all' || config.role === 'learner') problems.push(...(await learnerProblems(config.learners)));
  if (problems.length > 0) throw configInvalid(problems);
  return { config, world };
}

/** The part of loadDeclared that only looks at folders and names. Throws Configuration `CONFIG_INVALID`. */
export function loadWorld(config: EngineConfig, nowMs: number): World {
  const problems: Problem[] = [];
  const world = readWorld(config, nowMs, problems);
  if (problems.length > 0) throw configInvalid(problems);
  return world;
}

function readWorld(config: EngineConfig, nowMs: number, problems: Problem[]): World {
  const { timeZone, events } = config.fold;
  const isKnown = isTimeZone(timeZone);
  if (!isKnown) problems.push({ field: 'fold.timeZone', value: timeZone, rule: 'must be an IANA time zone' });
  const policies = readPolicies(config.policiesDir, problems);
  const surfaces = readSurfaces(config.surfacesDir, policies, problems);
  problems.push(...unknownNames(config, surfaces, policies));
  const settings: FoldSettings = {
    ...config.fold,
    timeZone: timeZoneOf(isKnown ? timeZone : 'UTC', nowMs, events.pastMaxMs),
    partitions: config.cluster.partitions,
    rewards: rewardsOf(surfaces),
    episodes: episodesOf(surfaces),
  };
  return { surfaces, policies, settings };
}

/** What names a surface or a policy that nobody declares, or one that is another's. */
function* unknownNames({ learners }: EngineConfig, surfaces: Surfaces, policies: DeclaredPolicies): Iterable<Problem> {
  for (const [index, { surface }] of learners.entries())
    if (!surfaces.has(surface))
      yield { field: `learners[${index}].surface`, value: surface, rule: 'is no declared surface' };
  const publishers = new Map<string, string>();
  for (const [index, { id, policy, surface }] of learners.entries()) {
    const field = `learners[${index}].policy`;
    const other = publishers.get(policy);
    if (other !== undefined) yield { field, value: policy, rule: `is published by the learner ${other} already` };
    else publishers.set(policy, id);
    const servers = [...surfaces.values()].filter(({ chain }) => chain.includes(policy));
    if (surfaces.has(surface) && servers.length > 0 && servers.every((server) => server.id !== surface))
      yield { field, value: policy, rule: `is served on ${servers[0]!.id}, and this learner learns from ${surface}` };
    if (policies.isStatic(policy)) yield { field, value: policy, rule: 'is a static policy, which nobody learns' };
  }
  const learned = new Set(publishers.keys());
  for (const { id, chain } of surfaces.values())
    for (const [place, policy] of chain.entries())
      if (policies.get(policy) === undefined && !learned.has(policy))
        yield {
          field: place === 0 ? `${id}: policy` : `${id}: fallback.${place - 1}`,
          value: policy,
          rule: 'is neither declared in policiesDir nor published by a configured learner',
        };
}
