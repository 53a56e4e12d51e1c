import { readYamlFolder, type Problem } from '../kernel/config/index.js';
import { EngineError } from '../kernel/errors.js';
import type { EpisodeSettings, RewardSettings } from '../messages/settings.js';
import { compileSurface, type Surface } from './surface.js';

export type Surfaces = ReadonlyMap<string, Surface>;

/** Which policies a surface may end in; the declared ones (src/policies/declared-policies.ts) know. */
export interface StaticPolicies {
  isStatic(policyId: string): boolean;
}

/**
 * Reads every *.yaml of a folder, by surface id. Throws Configuration `SURFACES_INVALID` that lists all problems of all
 * files, each with file and field. With `policies`, each fallback chain is checked to end in a static answer.
 */
export function loadSurfaces(folder: string, policies?: StaticPolicies): Surfaces {
  const problems: Problem[] = [];
  const surfaces = readSurfaces(folder, policies, problems);
  if (problems.length === 0) return surfaces;
  const lines = problems.map(({ field, rule }) => `${field}: ${rule}`);
  throw new EngineError('Configuration', 'SURFACES_INVALID', lines.join('\n'));
}

/** As loadSurfaces, for who has more to check before everything is said: what is sound, and the rest in `problems`. */
export function readSurfaces(folder: string, policies: StaticPolicies | undefined, problems: Problem[]): Surfaces {
  const surfaces = new Map<string, Surface>();
  for (const { file, value } of readYamlFolder(folder, 'surfacesDir', problems)) {
    const problem = (rule: string): number => problems.push({ field: file, rule });
    try {
      const surface = compileSurface(value);
      if (surfaces.has(surface.id)) problem(`id: ${surface.id} is declared twice`);
      const end = surface.fallback.at(-1)!;
      if (policies !== undefined && !policies.isStatic(end))
        problem(`fallback.${surface.fallback.length - 1}: ${end} is not a static policy`);
      surfaces.set(surface.id, surface);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      for (const line of text.split('\n')) problem(line);
    }
  }
  problems.push(...sharedCapProblems(surfaces));
  return surfaces;
}

/** What the fold needs of the surfaces: `FoldSettings.rewards`. */
export function rewardsOf(surfaces: Surfaces): Record<string, RewardSettings> {
  return Object.fromEntries(Array.from(surfaces.values(), (surface) => [surface.id, surface.reward]));
}

/** And `FoldSettings.episodes`: of the surfaces that declare them. */
export const episodesOf = (surfaces: Surfaces): Record<string, EpisodeSettings> =>
  Object.fromEntries(
    Array.from(surfaces.values(), ({ id, episode }) => [id, episode] as const).filter(
      (entry): entry is readonly [string, EpisodeSettings] => entry[1] !== undefined,
    ),
  );

/** A counter that surfaces share must mean the same to all of them. */
function sharedCapProblems(surfaces: Surfaces): Problem[] {
  const problems: Problem[] = [];
  const first = new Map<string, { surface: string; rule: string }>();
  for (const surface of surfaces.values()) {
    for (const cap of surface.caps) {
      const rule = `${cap.scope}, ${cap.max} per ${cap.windowMs} ms`;
      const known = first.get(cap.name);
      if (known === undefined) first.set(cap.name, { surface: surface.id, rule });
      else if (known.rule !== rule)
        problems.push({
          field: `${surface.id}: caps`,
          rule: `${cap.name} is "${rule}" here, and "${known.rule}" on ${known.surface}; they share it`,
        });
    }
  }
  return problems;
}
