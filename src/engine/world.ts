/** What the configuration's folders declare, read once at boot. */
import { IANAZone } from 'luxon';
import type { Config } from '../kernel/config/index.js';
import { EngineError } from '../kernel/errors.js';
import type { FoldConfig, FoldSettings } from '../messages/settings.js';
import { loadPolicies, type DeclaredPolicies } from '../policies/declared-policies.js';
import { episodesOf, loadSurfaces, rewardsOf, type Surfaces } from '../surfaces/load-surfaces.js';

export type EngineConfig = Config<FoldConfig>;

export interface World {
  readonly surfaces: Surfaces;
  readonly policies: DeclaredPolicies;
  /** What is journaled with every barrier. */
  readonly settings: FoldSettings;
}

/** Throws Configuration errors that list every problem of every file. */
export function loadWorld(config: EngineConfig): World {
  const { timeZone } = config.fold;
  if (!IANAZone.isValidZone(timeZone)) {
    throw new EngineError('Configuration', 'CONFIG_INVALID', `fold.timeZone = ${timeZone}: must be an IANA time zone`, {
      field: 'fold.timeZone',
    });
  }
  const policies = loadPolicies(config.policiesDir);
  const surfaces = loadSurfaces(config.surfacesDir, policies);
  const settings: FoldSettings = {
    ...config.fold,
    partitions: config.cluster.partitions,
    rewards: rewardsOf(surfaces),
    episodes: episodesOf(surfaces),
  };
  return { surfaces, policies, settings };
}
