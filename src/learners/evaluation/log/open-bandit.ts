/** Open Bandit Dataset (Saito et al. 2020): CSV with one impression a row, one position of three each. */
import { invalidRequest } from '../../../kernel/errors.js';
import type { LineOutcome, LoggedAction, RewardRange } from '../logged.js';
import { finiteOf, indexOf, malformed, propensityOf, rewardOf } from './checks.js';

const AFFINITY = /^user-item_affinity_(\d+)$/;
const USER_FEATURE = /^user_feature_\d+$/;
const POSITIONS_MAX = 50;

/** Reads the rows under one header. */
export interface OpenBanditReader {
  /** Throws InvalidRequest `LOG_POSITIONS` for a row that shows that the whole file is not what it is taken for. */
  checkFile(row: readonly string[], line: number): void;
  /** Throws InvalidRequest `LOG_*` for what is wrong. */
  read(row: readonly string[], range: RewardRange): LineOutcome;
}

/**
 * Throws InvalidRequest `LOG_HEADER` where a column is missing. The dataset names the propensity `propensity_score` in its
 * files and `action_prob` in its description; items are counted by the affinity columns, one each.
 */
export function openBanditReader(header: readonly string[]): OpenBanditReader {
  const at = (...names: string[]): number => {
    const place = header.findIndex((name) => names.includes(name));
    if (place >= 0) return place;
    throw invalidRequest('LOG_HEADER', `The column ${names.join(' or ')} is missing.`, names[0]);
  };
  const [item, position, click] = [at('item_id'), at('position'), at('click')];
  const propensity = at('propensity_score', 'action_prob');
  const timestamp = header.indexOf('timestamp');
  const user = header.flatMap((name, place) => (USER_FEATURE.test(name) ? [{ name, place }] : []));
  const affinity = header.flatMap((name, place) => (AFFINITY.test(name) ? [place] : []));
  if (affinity.length === 0) throw invalidRequest('LOG_HEADER', 'There are no user-item_affinity columns.', 'header');
  const plain: readonly LoggedAction[] = affinity.map((_, i) => ({ id: String(i), features: {} }));
  const eligible = plain.map((_, i) => i);

  return {
    checkFile(row, line) {
      if (Number(row[position] || NaN) !== 0) return;
      throw invalidRequest(
        'LOG_POSITIONS',
        `Line ${line} has the position 0: this log counts positions from 0. Add 1 to all of them.`,
        'position',
      );
    },

    read(row, range) {
      if (row.length !== header.length)
        throw malformed(`The row has ${row.length} columns instead of ${header.length}.`);
      const numberAt = (place: number): number => numberOf(row[place]!, header[place]!);
      const affinities = affinity.map(numberAt);
      const action = indexOf(numberAt(item), plain.length, 'item_id');
      const shownAt = indexOf(numberAt(position) - 1, POSITIONS_MAX, 'position');
      const text = row[propensity]!.trim();
      const p = propensityOf(text === '' ? undefined : Number(text), header[propensity]!);
      const reward = rewardOf(numberAt(click), range, 'click');
      const anyAffinity = affinities.some((value) => value !== 0);
      return {
        decision: {
          kind: 'single',
          id: '',
          context: Object.fromEntries(user.map(({ name, place }) => [name, row[place]!])),
          actions: anyAffinity ? plain.map(({ id }, i) => ({ id, features: { affinity: affinities[i]! } })) : plain,
          choices: [{ position: shownAt, action, propensity: p, eligible, reward }],
          reward,
          weight: 1,
          ...(timestamp < 0 ? {} : { timestamp: row[timestamp]! }),
        },
      };
    },
  };
}

function numberOf(text: string, field: string): number {
  if (text.trim() === '') throw malformed(`${field} is empty.`, field);
  const value = Number(text);
  return finiteOf(Number.isNaN(value) ? text : value, field);
}
