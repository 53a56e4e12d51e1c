/** When a number is not an estimate. Thresholds are rules of thumb, stated here and in docs/evaluation.md. */
import type { Estimator } from './estimators.js';
import { isMeanPlausible, type WeightDiagnostics } from './weights.js';

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
  /** Share of the log's lines that could not be read: what is left is a selection. */
  readonly badMax: number;
  /** Share of decisions about which the target itself knows nothing. */
  readonly guessedMax: number;
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
  badMax: 0.05,
  guessedMax: 0.05,
  unsupportedMax: 0.05,
  unseenMax: 0.1,
};

/** What is known before estimators are asked. */
export interface Grounds {
  readonly decisions: number;
  readonly events: number;
  /** Whether all rewards are the same number, and not 0: then any weights give it, and there are no events to ask for. */
  readonly constant: boolean;
  /** Share of the target's choices that the log gave no probability; undefined where the log does not tell. */
  readonly unsupported?: number;
  /** Share of the target's choices that the log never made; undefined without a reward model. */
  readonly unseen?: number;
  /** Share of the log's lines that were bad. */
  readonly bad: number;
  /** Share of decisions that the target only guessed at. */
  readonly guessed: number;
  /** Why there is no reward model, if there is none. */
  readonly noModel?: string;
}

/** Why the estimator's number must not be used; undefined where it may. Each rule is written so that NaN refuses. */
export function refusalOf(
  estimator: Estimator,
  weights: WeightDiagnostics,
  grounds: Grounds,
  rules: RefusalRules = REFUSAL_RULES,
): Refusal | undefined {
  const { decisions, events, constant, unseen, noModel } = grounds;
  if (!(decisions >= rules.decisionsMin))
    return refuse('ESTIMATE_TOO_FEW_DECISIONS', `${decisions} decisions, of ${rules.decisionsMin} that it takes`);
  const unread = logRefusal(grounds, rules);
  if (unread !== undefined) return unread;
  if (!constant && !(events >= rules.eventsMin))
    return refuse(
      'ESTIMATE_TOO_FEW_REWARDS',
      `only ${events} decisions have another reward than the rest, of ${rules.eventsMin} that it takes`,
    );
  if (estimator.model && noModel !== undefined) return refuse('ESTIMATE_NO_MODEL', noModel);
  if (estimator.weights !== 'none')
    return supportRefusal(grounds, rules) ?? sizeRefusal(weights, rules) ?? meanRefusal(weights);
  if (unseen !== undefined && unseen <= rules.unseenMax) return undefined;
  return refuse('ESTIMATE_UNSEEN_ACTIONS', `${percent(unseen)} of what the policy does was never tried in the log`);
}

/** What was read is not the log, or what is asked is not the policy. */
export function logRefusal({ bad, guessed }: Grounds, rules: RefusalRules = REFUSAL_RULES): Refusal | undefined {
  if (!(bad <= rules.badMax))
    return refuse('ESTIMATE_BAD_LINES', `${percent(bad)} of the lines were bad: what is left may be a selection`);
  if (!(guessed <= rules.guessedMax))
    return refuse('ESTIMATE_TARGET_UNKNOWN', `the policy knows nothing of ${percent(guessed)} of the choices`);
  return undefined;
}

/** The log does not hold what the policy does. */
export function supportRefusal({ unsupported }: Grounds, rules: RefusalRules = REFUSAL_RULES): Refusal | undefined {
  if (unsupported === undefined || unsupported <= rules.unsupportedMax) return undefined;
  return refuse('ESTIMATE_NO_SUPPORT', `${percent(unsupported)} of what the policy does could not be in the log`);
}

/** The weights are not what they say: their mean must be 1. */
export function meanRefusal({ mean, meanZ }: WeightDiagnostics): Refusal | undefined {
  if (isMeanPlausible({ mean, meanZ })) return undefined;
  return refuse(
    'ESTIMATE_WEIGHTS_MEAN',
    `weights have a mean of ${mean.toPrecision(4)}, ${distance(meanZ)} from 1: ` +
      'propensities are wrong, or the log could not choose all that the policy does',
  );
}

/** Too few decisions speak for the policy. */
function sizeRefusal(weights: WeightDiagnostics, rules: RefusalRules): Refusal | undefined {
  const { effectiveSampleSize: size, count, maxShare } = weights;
  const needed = Math.max(rules.effectiveSampleSizeMin, rules.effectiveShareMin * count);
  if (!(size >= needed))
    return refuse(
      'ESTIMATE_SAMPLE_SIZE',
      `the weights leave an effective sample of ${size.toFixed(1)}, of ${needed.toFixed(0)} that it takes`,
    );
  if (maxShare <= rules.maxShareMax) return undefined;
  return refuse('ESTIMATE_ONE_WEIGHT', `one decision has ${percent(maxShare)} of all weight`);
}

const distance = (z: number): string =>
  Number.isFinite(z) ? `${Math.abs(z).toFixed(1)} standard errors` : 'more than chance could put it';
const refuse = (code: string, why: string): Refusal => ({ code, why });
const percent = (share: number | undefined): string =>
  share === undefined ? 'an unknown share' : `${(100 * share).toFixed(1)} %`;
