/** Off-policy evaluation: what a policy would have been worth, estimated from a log of another one. */
import { invalidRequest } from '../../kernel/errors.js';
import { anytimeInterval } from './anytime-interval.js';
import { bootstrapIntervals, type BootstrapOptions, type Interval } from './bootstrap.js';
import {
  isSingle,
  singleSummands,
  SINGLE_ESTIMATORS,
  totals,
  type Estimator,
  type EstimatorName,
  type Summands,
} from './estimators.js';
import type { RewardRange } from './logged.js';
import { logRefusal, meanRefusal, refusalOf, supportRefusal, type Grounds, type Refusal } from './refusal.js';
import type { Rounds } from './rounds.js';
import { LIST_ESTIMATORS, slateSummands, WHOLE_ESTIMATORS } from './slate-estimators.js';
import { tunedLambda, tunedTau } from './tuning.js';
import { weighLog, type WeighOptions } from './weigh-log.js';
import { weightDiagnostics, type WeightDiagnostics } from './weights.js';

export interface EvaluateOptions extends WeighOptions, Omit<BootstrapOptions, 'seed'> {
  /** Largest weight of clipped IPS and of the anytime-valid interval. Must be chosen before the log is seen. */
  readonly clip: number;
  /** Declared bounds of rewards; the anytime-valid interval needs both finite. */
  readonly range: RewardRange;
  /** Share of the log's lines that were bad, asked once the log was read; none are taken to be where it is left out. */
  readonly bad?: () => number;
}

export interface Estimate {
  readonly estimator: EstimatorName;
  /** Null where it is refused. */
  readonly estimate: number | null;
  /**
   * Bootstrap. It does not cover the bias of clipping, switching and shrinking. Null where refused, and where
   * the model is all there is: resampling decisions does not show what a model errs by.
   */
  readonly interval: Interval | null;
  /** Measured coverage of such intervals at a nominal 95 %; null where there is no interval, another level, or no measure. */
  readonly coverage: number | null;
  readonly refused: Refusal | null;
  /** Null for an estimator without weights. */
  readonly weights: WeightDiagnostics | null;
}

export interface Evaluation {
  readonly policy: string;
  readonly decisions: number;
  /** Choices at these positions were used, from 0; undefined for all. */
  readonly position?: number;
  /** Mean reward of a decision in the log itself. */
  readonly logged: number;
  readonly estimates: readonly Estimate[];
  /** Valid however often and whenever it is looked at. */
  readonly anytime: (Interval & { readonly clip: number }) | { readonly refused: string };
  readonly model: { readonly kind: string } | { readonly missing: string };
  readonly thresholds: { readonly clip: number; readonly tau: number | null; readonly lambda: number | null };
  readonly grounds: Omit<Grounds, 'noModel'>;
  readonly without: number;
  readonly level: number;
}

/** `read` must give the same decisions each time it is called. Throws InvalidRequest `LOG_*`, `TARGET_*`, `EVALUATE_OPTION`. */
export async function evaluateLog(read: Parameters<typeof weighLog>[0], options: EvaluateOptions): Promise<Evaluation> {
  checkOptions(options);
  const weighed = await weighLog(read, options);
  const { rounds, model } = weighed;
  const single = isSingle(rounds) && !Number.isNaN(rounds.reward[0]!);
  const tuned = single && rounds.model !== undefined;
  const thresholds = {
    clip: options.clip,
    tau: tuned ? tunedTau(rounds) : null,
    lambda: tuned ? tunedLambda(rounds) : null,
  };
  const [estimators, summands] = planOf(rounds, thresholds);
  const { mode, events } = rewardsOf(rounds);
  const grounds = {
    decisions: rounds.decisions,
    events,
    constant: events === 0 && mode !== 0,
    ...(weighed.unsupported === undefined ? {} : { unsupported: weighed.unsupported }),
    ...(weighed.unseen === undefined ? {} : { unseen: weighed.unseen }),
    bad: options.bad?.() ?? 0,
    guessed: weighed.guessed,
  };
  const noModel = 'missing' in model ? { noModel: model.missing } : {};
  const sums = totals(summands);
  const intervals = bootstrapIntervals(summands, estimators, options);
  const estimates = estimators.map((estimator, e): Estimate => {
    const weights = weightDiagnostics(rounds, estimator.weights, options.clip);
    const value = estimator.value(sums);
    const refused =
      refusalOf(estimator, weights, { ...grounds, ...noModel }) ??
      (Number.isFinite(value) ? null : { code: 'ESTIMATE_NOT_FINITE', why: 'the sums give no number' });
    const interval = refused === null && !isModelAlone(estimator, thresholds) ? (intervals[e] ?? null) : null;
    return {
      estimator: estimator.name,
      estimate: refused === null ? value : null,
      interval,
      coverage: interval !== null && options.level === MEASURED_LEVEL ? (estimator.coverage ?? null) : null,
      refused,
      weights: estimator.weights === 'none' ? null : weights,
    };
  });
  return {
    policy: options.target.name,
    decisions: rounds.decisions,
    ...(options.position === undefined ? {} : { position: options.position }),
    logged: loggedMean(rounds),
    estimates,
    anytime: anytimeOf(rounds, options, grounds),
    model,
    thresholds,
    grounds,
    without: weighed.without,
    level: options.level,
  };
}

/** Of the bootstrap intervals whose coverage was measured. */
const MEASURED_LEVEL = 0.95;

/** DM, and what its threshold turns into DM. */
const isModelAlone = ({ name }: Estimator, { tau, lambda }: Evaluation['thresholds']): boolean =>
  name === 'DM' || (name === 'Switch-DR' && tau !== null && tau < 0) || (name === 'DRos' && lambda === 0);

function planOf(
  rounds: Rounds,
  { clip, tau, lambda }: { clip: number; tau: number | null; lambda: number | null },
): [readonly Estimator[], Summands] {
  const whole = Number.isNaN(rounds.reward[0]!);
  if (isSingle(rounds) && !whole)
    return [SINGLE_ESTIMATORS, singleSummands(rounds, { clip, tau: tau ?? Infinity, lambda: lambda ?? Infinity })];
  return [whole ? WHOLE_ESTIMATORS : LIST_ESTIMATORS, slateSummands(rounds)];
}

function anytimeOf(rounds: Rounds, { clip, range, level }: EvaluateOptions, grounds: Grounds): Evaluation['anytime'] {
  if (!isSingle(rounds)) return { refused: 'it is made for one choice a decision: name a position' };
  if (rounds.stands.some((stands) => stands !== 1)) return { refused: 'the log was thinned out' };
  if (!Number.isFinite(range.min) || !Number.isFinite(range.max))
    return { refused: 'the range of the reward was not declared' };
  // However few decisions there are, it holds; but only for weights that are what they say.
  const unsound =
    logRefusal(grounds) ?? meanRefusal(weightDiagnostics(rounds, 'choice', clip)) ?? supportRefusal(grounds);
  if (unsound !== undefined) return { refused: unsound.why };
  const interval = anytimeInterval(rounds, { clip, range, level });
  // It is the one interval that looks at the order: no value lies above the one bound and below the other.
  if (interval.low > interval.high)
    return { refused: 'what the policy earns changed along the log; evaluate shorter stretches' };
  return { ...interval, clip };
}

function loggedMean({ stands, total }: Rounds): number {
  let [sum, count] = [0, 0];
  for (let d = 0; d < total.length; d++) {
    sum += stands[d]! * total[d]!;
    count += stands[d]!;
  }
  return sum / count;
}

/** The most common reward, and how many decisions have another one. */
function rewardsOf({ total, decisions }: Rounds): { mode: number; events: number } {
  const counts = new Map<number, number>();
  let [mode, most] = [NaN, 0];
  for (const reward of total) {
    // Rewards that are all different are events all but one, however many are counted.
    if (counts.size >= 10_000 && !counts.has(reward)) continue;
    const count = (counts.get(reward) ?? 0) + 1;
    counts.set(reward, count);
    if (count > most) [mode, most] = [reward, count];
  }
  return { mode, events: decisions - most };
}

function checkOptions({ clip, level, resamples, folds, range }: EvaluateOptions): void {
  const check = (holds: boolean, field: string, rule: string): void => {
    if (!holds) throw invalidRequest('EVALUATE_OPTION', `${field} must be ${rule}.`, field);
  };
  check(clip >= 1, 'clip', 'at least 1');
  check(level > 0.5 && level < 1, 'level', 'above 0.5 and below 1');
  check(Number.isInteger(resamples) && resamples >= 50 && resamples <= 100_000, 'resamples', 'from 50 to 100000');
  check(Number.isInteger(folds) && folds >= 2 && folds <= 20, 'folds', 'from 2 to 20');
  check(range.max > range.min, 'range', 'an interval: its end above its start');
}
