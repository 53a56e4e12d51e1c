import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
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
  const surfaces = new Map<string, Surface>();
  const problems: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.yaml')) continue;
    try {
      const surface = compileSurface(parse(readFileSync(join(folder, file), 'utf8')));
      if (surfaces.has(surface.id)) problems.push(`${file}: id: ${surface.id} is declared twice`);
      const end = surface.fallback.at(-1)!;
      if (policies !== undefined && !policies.isStatic(end))
        problems.push(`${file}: fallback.${surface.fallback.length - 1}: ${end} is not a static policy`);
      surfaces.set(surface.id, surface);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      problems.push(...text.split('\n').map((line) => `${file}: ${line}`));
    }
  }
  problems.push(...sharedCapProblems(surfaces));
  if (problems.length > 0) throw new EngineError('Configuration', 'SURFACES_INVALID', problems.join('\n'));
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
function sharedCapProblems(surfaces: Surfaces): string[] {
  const problems: string[] = [];
  const first = new Map<string, { surface: string; rule: string }>();
  for (const surface of surfaces.values()) {
    for (const cap of surface.caps) {
      const rule = `${cap.scope}, ${cap.max} per ${cap.windowMs} ms`;
      const known = first.get(cap.name);
      if (known === undefined) first.set(cap.name, { surface: surface.id, rule });
      else if (known.rule !== rule)
        problems.push(
          `${surface.id}: caps: ${cap.name} is "${rule}" here, and "${known.rule}" on ${known.surface}; they share it`,
        );
    }
  }
  return problems;
}
