/** Optimism under uncertainty: the arm whose mean could be the highest (Auer, Cesa-Bianchi and Fischer 2002). */
import { z } from 'zod';
import {
  armParametersShape,
  armReasons,
  armValues,
  packArms,
  type ArmForm,
  type ArmValue,
} from '../arms/parameters.js';
import { REWARD_MAX } from '../arms/statistics.js';
import { epsilonGreedy } from '../exploration.js';
import type { PolicyRef } from '../../messages/decisions.js';
import type { Policy } from '../policy.js';
import { learnedFamily, parametersOf } from '../source.js';

export const UCB1_FAMILY = 'ucb1';

export const ucb1ParametersSchema = z.strictObject({
  ...armParametersShape,
  /** The bonus is this many rewards' ranges times √(2 ln N / n); 1 is UCB1, less explores less. */
  exploration: z.number().min(0).max(1e3).default(1),
  /** Largest minus smallest reward. */
  range: z
    .number()
    .positive()
    .max(2 * REWARD_MAX)
    .default(1),
});

/**
 * Throws Configuration `POLICY_PARAMETERS`. All probability on the largest mean_i + c·range·√(2 ln N / n_i), shared by
 * all that have it; an arm that was never tried has an infinite one. n_i are the arm's trials and N those of all
 * candidates that are asked about; both may be fractions where trials are forgotten (D-UCB, Garivier and Moulines 2011).
 * Deterministic but for ties: only a surface's exploration floor makes other arms' propensities positive.
 */
export const ucb1Policy = learnedFamily((source): Ucb1Form => {
  const parameters = parametersOf(ucb1ParametersSchema, source);
  const { exploration, range } = parameters;
  return { arms: packArms(parameters), exploration, range };
}, policyOfForm);

interface Ucb1Form {
  readonly arms: ArmForm;
  readonly exploration: number;
  readonly range: number;
}

function policyOfForm(ref: PolicyRef, { arms: form, exploration, range }: Ucb1Form): Policy {
  const values = armValues(form);
  const bonuses = (arms: readonly ArmValue[]): number[] => {
    let total = 0;
    for (const { weight } of arms) total += weight;
    const doubledLog = 2 * Math.log(Math.max(total, 1));
    return arms.map(({ weight }) => (weight === 0 ? Infinity : exploration * range * Math.sqrt(doubledLog / weight)));
  };
  return {
    ref,
    distribution(context, candidates) {
      const arms = values(context, candidates);
      const bonus = bonuses(arms);
      return epsilonGreedy(
        arms.map(({ mean }, i) => mean + bonus[i]!),
        0,
      );
    },
    scores: (context, candidates) => values(context, candidates).map(({ mean }) => mean),
    explain(context, candidates, index) {
      const arms = values(context, candidates);
      return armReasons(arms, index, bonuses(arms)[index]!);
    },
  };
}
