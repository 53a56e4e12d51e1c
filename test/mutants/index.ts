/** The kept mutants, one file an area. */
import type { MutantArea } from './mutant.js';
import { CAMPAIGNS } from './campaigns.js';
import { CONSENT } from './consent.js';
import { GATE } from './gate.js';
import { HOST } from './host.js';
import { KEEPER } from './keeper.js';
import { LEARNERS } from './learners.js';
import { OFF_POLICY } from './off-policy.js';
import { OUTPUTS } from './outputs.js';
import { SAMPLING } from './sampling.js';
import { SNAPSHOTS } from './snapshots.js';
import { TIMERS } from './timers.js';
import { USERS } from './users.js';
import { ZONES } from './zones.js';

export const AREAS: readonly MutantArea[] = [
  HOST,
  KEEPER,
  SNAPSHOTS,
  TIMERS,
  OUTPUTS,
  USERS,
  CONSENT,
  CAMPAIGNS,
  ZONES,
  SAMPLING,
  LEARNERS,
  GATE,
  OFF_POLICY,
];
