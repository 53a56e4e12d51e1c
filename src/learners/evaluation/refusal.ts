/** When a number is not an estimate. Thresholds are rules of thumb, stated here and in docs/evaluation.md. */
import type { Estimator } from './estimators.js';
import type { WeightDiagnostics } from './weights.js';

export interface Refusal {
  readonly code: string;
  readonly why: string;
}

export interface RefusalRules {
  readonly decisionsMin: number;
  /** Decisions whose reward is not the most common one: what an estimate of a rare reward rests on. */
  readonly eventsMin: number;
  readonly effectiveSampleSizeMin: number;
  /** Of the number of weights. */
  readonly effectiveShareMin: number;
  /** Share of all weight that one decision may have. */
  readonly maxShareMax: number;
  /** The mean weight may miss 1 by so many standard errors, if it also misses it by more than `meanOffMax`. */
  readonly meanZMax: number;
  readonly meanOffMax: number;
  /** Share of the target's choices that the log could not have made. */
  readonly unsupportedMax: number;
  /** Share of the target's choices of which the reward model has seen none, for estimators that trust it alone. */
  readonly unseenMax: number;
}

export const REFUSAL_RULES: RefusalRules = {
  decisionsMin: 30,
  eventsMin: 5,
  effectiveSampleSizeMin: 30,
  effectiveShareMin: 0.005,
  maxShareMax: 0.1,
  meanZMax: 4,
  meanOffMax: 0.05,
  unsupportedMax: 0.05,
  unseenMax: 0.1,
};

/** What is known before estimators are asked. */
export interface Grounds {
  readonly decisions: number;
  readonly events: number;
  /** Whether all rewards are the same number: then any weights give it, and there are no events to ask for. */
  readonly constant: boolean;
  /** NaN where the log does not tell. */
  readonly unsupported: number;
  readonly unseen: number;
  /** Why there is no reward model, if there is none. */
  readonly noModel?: string;
}

/** Why the estimator's number must not be used; undefined where it may. */
export function refusalOf(
  estimator: Estimator,
  weights: WeightDiagnostics,
  grounds: Grounds,
  rules: RefusalRules = REFUSAL_RULES,
): Refusal | undefined {
  const { decisions, events, constant, unsupported, unseen, noModel } = grounds;
  if (decisions < rules.decisionsMin)
    return refuse('ESTIMATE_TOO_FEW_DECISIONS', `${decisions} decisions, of ${rules.decisionsMin} that it takes`);
  if (!constant && events < rules.eventsMin)
    return refuse(
      'ESTIMATE_TOO_FEW_REWARDS',
      `only ${events} decisions have another reward than the rest, of ${rules.eventsMin} that it takes`,
    );
  if (estimator.model && noModel !== undefined) return refuse('ESTIMATE_NO_MODEL', noModel);
  if (estimator.weights === 'none') {
    if (unseen <= rules.unseenMax) return undefined;
    return refuse('ESTIMATE_UNSEEN_ACTIONS', `${percent(unseen)} of what the policy does was never tried in the log`);
  }
  if (unsupported > rules.unsupportedMax)
    return refuse('ESTIMATE_NO_SUPPORT', `${percent(unsupported)} of what the policy does could not be in the log`);
  const { effectiveSampleSize: size, count, maxShare, mean, meanZ } = weights;
  const needed = Math.max(rules.effectiveSampleSizeMin, rules.effectiveShareMin * count);
  if (size < needed)
    return refuse(
      'ESTIMATE_SAMPLE_SIZE',
      `the weights leave an effective sample of ${size.toFixed(1)}, of ${needed.toFixed(0)} that it takes`,
    );
  if (maxShare > rules.maxShareMax)
    return refuse('ESTIMATE_ONE_WEIGHT', `one decision has ${percent(maxShare)} of all weight`);
  if (Math.abs(meanZ) > rules.meanZMax && Math.abs(mean - 1) > rules.meanOffMax)
    return refuse(
      'ESTIMATE_WEIGHTS_MEAN',
      `weights have a mean of ${mean.toFixed(3)}, ${Math.abs(meanZ).toFixed(1)} standard errors from 1: propensities are ` +
        'wrong, or the log could not choose all that the policy does',
    );
  return undefined;
}

const refuse = (code: string, why: string): Refusal => ({ code, why });
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
