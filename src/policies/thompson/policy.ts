/** Beta-Thompson: each candidate is shown with the probability that it is the best one, given what was learned. */
import { z } from 'zod';
import type { Candidate, PolicyRef } from '../../messages/decisions.js';
import { levelsShape, packLevels, SegmentedArms, type PackedLevels } from '../arms/segments.js';
import type { DecisionContext, Policy } from '../policy.js';
import { learnedFamily, parametersOf } from '../source.js';
import { betaTable } from './beta-table.js';
import { winShares } from './choice-probabilities.js';
import { TableCache } from './table-cache.js';

export const BETA_THOMPSON_FAMILY = 'beta-thompson';

/** Below ½ a density has no bound in θ and the quadrature no ground: Jeffreys' prior (½, ½) is the least informed. */
const PSEUDO_COUNT = { min: 0.5, max: 1e12 };
const pseudoCount = z.number().min(PSEUDO_COUNT.min).max(PSEUDO_COUNT.max);
const posterior = z.tuple([pseudoCount, pseudoCount]);
type Posterior = z.infer<typeof posterior>;

export const thompsonParametersSchema = z.strictObject({
  /** Evidence is [alpha, beta] of an arm's posterior, the prior included, as a whole and in each segment. */
  ...levelsShape<Posterior>([PSEUDO_COUNT, PSEUDO_COUNT]),
  /** What stands for a candidate that was never tried. */
  prior: posterior,
});
export type ThompsonParameters = z.infer<typeof thompsonParametersSchema>;

/**
 * Throws Configuration `POLICY_PARAMETERS`. Choice probabilities follow Thompson (1933), computed by quadrature instead
 * of by one draw, so that the propensity is known exactly (choice-probabilities.ts).
 */
export const thompsonPolicy = learnedFamily((source): ThompsonForm => {
  const parameters = parametersOf(thompsonParametersSchema, source);
  return { levels: packLevels(parameters, 2), prior: parameters.prior };
}, policyOfForm);

interface ThompsonForm {
  readonly levels: PackedLevels;
  readonly prior: Posterior;
}

function policyOfForm(ref: PolicyRef, { levels, prior }: ThompsonForm): Policy {
  const arms = new SegmentedArms<Posterior>(levels, (whole, own, weight) =>
    whole === own ? whole : pooledBeta(whole, own ?? prior, prior, weight),
  );
  const tables = new TableCache<Posterior>(([alpha, beta]) => betaTable(alpha, beta));
  const posteriors = (context: DecisionContext, candidates: readonly Candidate[]): Posterior[] => {
    const view = arms.at(context);
    return candidates.map(({ id }) => view.of(id) ?? prior);
  };

  return {
    ref,
    distribution: (context, candidates) => winShares(posteriors(context, candidates).map((arm) => tables.of(arm))),
    scores: (context, candidates) => posteriors(context, candidates).map(meanOf),
    explain: (context, candidates, index) => {
      const all = posteriors(context, candidates);
      const arm = all[index]!;
      const mean = meanOf(arm);
      const trials = Math.max(0, arm[0] + arm[1] - prior[0] - prior[1]);
      const percent = Math.round(mean * 1000) / 10;
      const best = all.every((other) => meanOf(other) <= mean);
      return [
        trials === 0
          ? { code: 'untried', text: 'It is new here and gets a chance.', contribution: mean }
          : { code: 'mean', text: `It was liked ${percent} % of the time.`, contribution: mean },
        { code: 'trials', text: `Tried about ${Math.round(trials)} times.`, contribution: trials },
        best
          ? { code: 'exploitation', text: 'Nothing else has done better so far.' }
          : { code: 'exploration', text: 'Shown now and then to find out how good it is.' },
      ];
    },
  };
}

const meanOf = ([alpha, beta]: Posterior): number => alpha / (alpha + beta);

/**
 * A segment's posterior: prior + κ·(successes and failures of all others) + its own, κ = min(1, priorWeight / trials of
 * all others). See `pooled` (src/policies/arms/statistics.ts) for what it is and where it is from.
 */
function pooledBeta(whole: Posterior, own: Posterior, prior: Posterior, priorWeight: number): Posterior {
  const successes = Math.max(0, whole[0] - own[0]);
  const failures = Math.max(0, whole[1] - own[1]);
  const trials = successes + failures;
  const share = trials > priorWeight ? priorWeight / trials : 1;
  return [Math.max(own[0], prior[0]) + share * successes, Math.max(own[1], prior[1]) + share * failures];
}
