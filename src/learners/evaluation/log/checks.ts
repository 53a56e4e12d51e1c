/** What every log format must hold to. All throw InvalidRequest with a `LOG_*` code and the field. */
import { invalidRequest, type EngineError } from '../../../kernel/errors.js';
import { UNDECLARED_RANGE, type LoggedAction, type LoggedChoice, type RewardRange } from '../logged.js';

export const ACTIONS_MAX = 2000;
export const CHOICES_MAX = 50;
/** A logged distribution may miss 1 by so much: logs keep 32-bit floats, and some only a few digits. */
export const DISTRIBUTION_SUM_TOLERANCE = 1e-3;

/** Two notes of one probability may differ by so much of it: one a 32-bit float, one of two or three digits. */
const AGREEMENT = 0.02;

export const malformed = (message: string, field?: string): EngineError =>
  invalidRequest('LOG_MALFORMED', message, field);

/** A number of the log; `null`, text, NaN and infinities are none. */
export function finiteOf(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw malformed(`${field} must be a finite number, not ${shown(value)}.`, field);
}

export function propensityOf(value: unknown, field: string): number {
  if (value === undefined || value === null || value === '')
    throw invalidRequest('LOG_PROPENSITY_MISSING', `${field} is missing: without it nothing can be estimated.`, field);
  // Written so that NaN fails it too.
  if (!(typeof value === 'number' && value > 0 && value <= 1 + 1e-6))
    throw invalidRequest('LOG_PROPENSITY_RANGE', `${field} must be above 0 and at most 1, not ${shown(value)}.`, field);
  return value;
}

/** A reward inside the declared range; without one, negative rewards are taken for costs and refused. */
export function rewardOf(value: unknown, range: RewardRange, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw invalidRequest('LOG_REWARD', `${field} must be a finite number, not ${shown(value)}.`, field);
  if (value >= range.min && value <= range.max) return value;
  const declared = range !== UNDECLARED_RANGE;
  const rule = declared
    ? `in the declared range ${range.min} to ${range.max}`
    : 'at least 0 unless a range is declared';
  throw invalidRequest('LOG_REWARD_RANGE', `${field}: a reward must be ${rule}, not ${value}.`, field);
}

export function indexOf(value: unknown, count: number, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < count) return value;
  throw invalidRequest('LOG_ACTION_UNKNOWN', `${field} names none of the ${count} actions: ${shown(value)}.`, field);
}

/** Checks a distribution against what is eligible, one probability each. */
export function distributionOf(value: readonly unknown[], count: number, field: string): readonly number[] {
  if (value.length !== count)
    throw invalidRequest('LOG_DISTRIBUTION', `${field} has ${value.length} probabilities for ${count} actions.`, field);
  let total = 0;
  const numbers = value.map((p, i) => {
    if (!(typeof p === 'number' && p >= 0 && p <= 1 + 1e-6))
      throw invalidRequest(
        'LOG_DISTRIBUTION',
        `${field}[${i}] must be a probability, not ${shown(p)}.`,
        `${field}[${i}]`,
      );
    total += p;
    return p;
  });
  if (Math.abs(total - 1) <= DISTRIBUTION_SUM_TOLERANCE) return numbers;
  throw invalidRequest('LOG_DISTRIBUTION', `${field} sums to ${total}, not to 1.`, field);
}

/** One probability that a log notes twice. Throws InvalidRequest `LOG_CONTRADICTION`. */
export function checkedAgreement(one: number, other: number, field: string, where: string): void {
  if (Math.abs(one - other) <= AGREEMENT * Math.max(one, other)) return;
  throw invalidRequest('LOG_CONTRADICTION', `${field} is ${one}, and ${where} of the same action ${other}.`, field);
}

/** What holds of every decision whatever its format. */
export function checkedChoices(actions: readonly LoggedAction[], choices: readonly LoggedChoice[]): void {
  if (actions.length > ACTIONS_MAX) throw malformed(`A decision may have ${ACTIONS_MAX} actions.`, 'actions');
  if (choices.length > CHOICES_MAX) throw malformed(`A decision may have ${CHOICES_MAX} choices.`, 'choices');
  for (const [at, { action, eligible }] of choices.entries()) {
    if (new Set(eligible).size !== eligible.length)
      throw malformed(`choices[${at}]: an action is eligible twice.`, `choices[${at}].eligible`);
    if (!eligible.includes(action))
      throw invalidRequest('LOG_ACTION_UNKNOWN', `choices[${at}]: what was chosen was not eligible.`, `choices[${at}]`);
  }
}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  return text.length > 40 ? `${text.slice(0, 40)}…` : typeof value === 'number' ? String(value) : text;
};
