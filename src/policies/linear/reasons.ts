/** Why a linear model puts a candidate where it stands. */
import type { Reason } from '../../messages/decisions.js';
import { rounded } from '../rounded.js';

/** Terms that an explanation names. */
const TERMS_TOLD_MAX = 5;

export interface LinearStanding {
  /** The score; contributions add up to it. */
  readonly mean: number;
  /** In the unit of the reward. */
  readonly expected: number;
  readonly link: 'identity' | 'logistic';
  /** What not knowing better adds to the score at most (LinUCB) or typically (Thompson). */
  readonly uncertainty: number;
  readonly contributions: readonly { readonly name: string; readonly value: number }[];
  /** Observations learned from. */
  readonly trials: number;
  /** Whether no candidate has a larger mean. */
  readonly best: boolean;
}

export function linearReasons(standing: LinearStanding): Reason[] {
  const { mean, expected, link, uncertainty, contributions, trials, best } = standing;
  const moving = contributions.filter(({ value }) => value !== 0);
  moving.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  // Their sum may be more than any number says.
  const share = uncertainty === 0 ? 0 : Math.round(100 / (1 + Math.abs(mean) / uncertainty));
  return [
    trials === 0
      ? { code: 'untried', text: 'It is new here and gets a chance.', contribution: mean }
      : link === 'logistic'
        ? { code: 'mean', text: `Its chance is about ${rounded(100 * expected)} % here.`, contribution: mean }
        : { code: 'mean', text: `It promises ${rounded(expected)} in a situation like this one.`, contribution: mean },
    ...moving.slice(0, TERMS_TOLD_MAX).map(({ name, value }) => ({
      code: `term.${name}`,
      text: `${name} ${value > 0 ? 'speaks for it' : 'speaks against it'}.`,
      contribution: value,
    })),
    {
      code: 'uncertainty',
      text: `It may be better than that: ${share} % of where it stands is not knowing.`,
      contribution: uncertainty,
    },
    { code: 'trials', text: `Learned from ${trials} trials.`, contribution: trials },
    best
      ? { code: 'exploitation', text: 'Nothing else promises more.' }
      : { code: 'exploration', text: 'Shown now and then to find out how good it is.' },
  ];
}
