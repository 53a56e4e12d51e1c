/** Beta-Bernoulli posteriors of one arm each, with fractional successes. See README.md. */
import { z } from 'zod';
import { BETA_THOMPSON_FAMILY } from '../../policies/thompson/policy.js';
import { savedTableSchema, type SavedTable } from '../arms/arm-table.js';
import { betaEvidence, type BetaEvidence } from '../arms/evidence.js';
import { ArmLearner } from '../arms/learner.js';
import type { LearnerPlugin } from '../learner.js';
import { betaThompsonConfigSchema, type BetaThompsonConfig } from './config.js';

const posteriorSchema = z.tuple([z.number().min(0.5), z.number().min(0.5)]);
export type BetaThompsonState = SavedTable<BetaEvidence>;

const evidence = (prior: Readonly<BetaEvidence>) => betaEvidence(prior, posteriorSchema);

export const betaThompson: LearnerPlugin<BetaThompsonConfig, BetaThompsonState> = {
  kind: 'beta-thompson',
  incremental: true,
  configSchema: betaThompsonConfigSchema,
  stateSchema: savedTableSchema(evidence([1, 1])),
  create: (config, _deps, saved) => {
    const { min, max } = config.reward;
    return new ArmLearner(
      {
        config,
        evidence: evidence(config.prior),
        // Rewards from `min` to `max` are successes from 0 to 1.
        outcomeOf: (reward) => (reward - min) / (max - min),
        // What was not credited failed.
        uncredited: min,
        exportPolicy: (table) => ({
          family: BETA_THOMPSON_FAMILY,
          parameters: { ...table.levels(), prior: [...config.prior] },
        }),
      },
      saved,
    );
  },
};
