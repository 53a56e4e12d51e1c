/** Gaussian Thompson sampling: each candidate is shown with the probability that its mean reward is the highest. */
import { z } from 'zod';
import type { Candidate, PolicyRef } from '../../messages/decisions.js';
import { armReasons } from '../arms/parameters.js';
import { levelsShape, packLevels, SegmentedArms, type PackedLevels } from '../arms/segments.js';
import { NO_STATISTICS, pooled, STATISTICS_BOUNDS, type Statistics } from '../arms/statistics.js';
import type { DecisionContext, Policy } from '../policy.js';
import { learnedFamily, parametersOf } from '../source.js';
import { winShares } from '../thompson/choice-probabilities.js';
import { TableCache } from '../thompson/table-cache.js';
import { gaussianPriorSchema, meanPosterior, noiseSchema } from './posterior.js';
import { studentTable } from './student-table.js';

export const GAUSSIAN_THOMPSON_FAMILY = 'gaussian-thompson';

export const gaussianThompsonParametersSchema = z.strictObject({
  ...levelsShape<Statistics>(STATISTICS_BOUNDS),
  prior: gaussianPriorSchema,
  noise: noiseSchema,
});

/**
 * Throws Configuration `POLICY_PARAMETERS`. Thompson sampling with Normal or Normal-inverse-gamma posteriors (Honda and
 * Takemura, AISTATS 2014); choice probabilities by quadrature (../thompson/choice-probabilities.ts), so that propensities
 * are exact.
 */
export const gaussianThompsonPolicy = learnedFamily((source): GaussianForm => {
  const parameters = parametersOf(gaussianThompsonParametersSchema, source);
  const { prior, noise } = parameters;
  return { levels: packLevels(parameters, STATISTICS_BOUNDS.length), prior, noise };
}, policyOfForm);

interface GaussianForm extends Pick<z.infer<typeof gaussianThompsonParametersSchema>, 'prior' | 'noise'> {
  readonly levels: PackedLevels;
}

function policyOfForm(ref: PolicyRef, { levels, prior, noise }: GaussianForm): Policy {
  const arms = new SegmentedArms<Statistics>(levels, (whole, own, weight) =>
    whole === own ? whole : pooled(whole, own ?? NO_STATISTICS, weight),
  );
  const untried: Statistics = [...NO_STATISTICS];
  const tables = new TableCache<Statistics>((arm) => studentTable(meanPosterior(arm, prior, noise)));
  const evidence = (context: DecisionContext, candidates: readonly Candidate[]): Statistics[] => {
    const view = arms.at(context);
    return candidates.map(({ id }) => view.of(id) ?? untried);
  };
  const meanOf = (arm: Statistics): number => meanPosterior(arm, prior, noise).location;
  return {
    ref,
    distribution: (context, candidates) => winShares(evidence(context, candidates).map((arm) => tables.of(arm))),
    scores: (context, candidates) => evidence(context, candidates).map(meanOf),
    explain: (context, candidates, index) => {
      const all = evidence(context, candidates);
      const { scale } = meanPosterior(all[index]!, prior, noise);
      return armReasons(
        all.map((arm) => ({ mean: meanOf(arm), trials: arm[0] })),
        index,
        scale,
      );
    },
  };
}
