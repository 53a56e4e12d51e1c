/**
 * dsjson, Vowpal Wabbit's decision log: a JSON object a line. Read are cb_adf (`_label_cost`, `a`, `p`), ccb
 * (`c._slots`, `_outcomes`) and slates (`c._multi[]._slot_id`). A cost is a negative reward. In `a` actions count from 1, or
 * from 0 where a 0 is among them; in `_a` they count from 0. Source: vowpal_wabbit, parse_example_json and its wiki page.
 */
import { isExcess, JSON_BOUNDS, parseBoundedText } from '../../../kernel/bounded-json.js';
import { invalidRequest } from '../../../kernel/errors.js';
import type { Json, JsonObject, LineOutcome, LoggedAction, LoggedChoice, RewardRange } from '../logged.js';
import {
  ACTIONS_MAX,
  checkedAgreement,
  checkedChoices,
  distributionOf,
  finiteOf,
  indexOf,
  malformed,
  propensityOf,
  rewardOf,
} from './checks.js';
import { askedOf } from './dsjson-writer.js';

/** Azure's join puts a line of text between its records now and then. */
const CHECKPOINT = /^\s*\[[A-Z][^\]"]*\]\s*$/;

type Loose = { readonly [name: string]: unknown };

/** Reads a line. Throws InvalidRequest `LOG_*` for what is wrong. */
export function readDsjson(line: string, range: RewardRange): LineOutcome {
  if (CHECKPOINT.test(line)) return { skipped: 'observation' };
  const record = objectOf(parsed(line), 'the line');
  if (record['c'] === undefined) {
    // Rewards that came without their decision.
    if (record['RewardValue'] !== undefined || record['Observations'] !== undefined) return { skipped: 'observation' };
    throw malformed('c, the context, is missing.', 'c');
  }
  if (record['_label_ca'] !== undefined)
    throw invalidRequest('LOG_ACTIONS_CONTINUOUS', 'Continuous actions have no list to choose from.', '_label_ca');
  if (record['_skipLearn'] === true) return { skipped: 'skip-learn' };

  const { _multi: multi, _slots: slotList, ...context } = objectOf(record['c'], 'c');
  const rows = multi === undefined ? [] : listOf(multi, 'c._multi');
  if (rows.length > ACTIONS_MAX) throw malformed(`A decision may have ${ACTIONS_MAX} actions.`, 'c._multi');
  const actions = rows.map((row, i) => actionOf(objectOf(row, `c._multi[${i}]`), i));
  const isSlots = slotList !== undefined;
  const slots = isSlots ? listOf(slotList, 'c._slots').map((slot, i) => objectOf(slot, `c._slots[${i}]`)) : undefined;
  const common = {
    id: textOf(record['EventId'] ?? record['event_id']),
    context: context as JsonObject,
    actions,
    weight: weightOf(record),
    ...(typeof record['Timestamp'] === 'string' ? { timestamp: record['Timestamp'] } : {}),
    ...askedOf(record['_attune']),
  };
  if (slots === undefined) {
    if (record['_label_cost'] === undefined) return { skipped: 'unlabelled' };
    const choice = singleOf(record, actions, range);
    checkedChoices(actions, [choice]);
    return { decision: { kind: 'single', ...common, choices: [choice], reward: choice.reward! } };
  }
  if (record['_outcomes'] === undefined) return { skipped: 'unlabelled' };
  const outcomes = listOf(record['_outcomes'], '_outcomes').map((o, i) => objectOf(o, `_outcomes[${i}]`));
  if (outcomes.length === 0) return { skipped: 'unlabelled' };
  if (outcomes.length > slots.length) throw malformed('There are more outcomes than slots.', '_outcomes');
  const kind = actions.some((action) => action.slot !== undefined) ? 'slates' : 'list';
  const whole = record['_label_cost'];
  if (kind === 'slates' && whole === undefined) return { skipped: 'unlabelled' };
  const choices = kind === 'slates' ? slatesOf(outcomes, actions) : listChoices(outcomes, actions, slots, range);
  if (choices.length === 0) return { skipped: 'unlabelled' };
  checkedChoices(actions, choices);
  const reward =
    kind === 'slates'
      ? rewardOf(negated(whole, '_label_cost'), range, '_label_cost')
      : choices.reduce((sum, choice) => sum + choice.reward!, 0);
  return { decision: { kind, ...common, choices, reward, ...kept(slots) } };
}

/** What the log says of slots beyond their eligible actions; nothing where that is all. */
function kept(slots: readonly Loose[]): { slots?: readonly JsonObject[] } {
  const rest = slots.map(({ _inc, ...features }) => features as JsonObject);
  return rest.some((features) => Object.keys(features).length > 0) ? { slots: rest } : {};
}

function singleOf(record: Loose, actions: readonly LoggedAction[], range: RewardRange): LoggedChoice {
  const count = actions.length;
  const action = indexOf(oneLess(record['_label_Action'] ?? oneMore(record['_labelIndex'])), count, '_label_Action');
  if (indexOf(record['_labelIndex'] ?? action, count, '_labelIndex') !== action)
    throw invalidRequest(
      'LOG_CONTRADICTION',
      `_labelIndex, from 0, must be one less than _label_Action, from 1: they name two actions.`,
      '_labelIndex',
    );
  const propensity = propensityOf(record['_label_probability'], '_label_probability');
  const reward = rewardOf(negated(record['_label_cost'], '_label_cost'), range, '_label_cost');
  const position = record['_position'] === undefined ? 0 : indexOf(record['_position'], 1000, '_position');
  if (record['a'] === undefined) return { position, action, propensity, reward, eligible: actions.map((_, i) => i) };
  const listed = listOf(record['a'], 'a');
  const base = listed.includes(0) ? 0 : 1;
  const eligible = listed.map((a, i) => indexOf(typeof a === 'number' ? a - base : a, count, `a[${i}]`));
  const logged = record['p'] === undefined ? undefined : distributionOf(listOf(record['p'], 'p'), eligible.length, 'p');
  const at = eligible.indexOf(action);
  if (logged !== undefined && at >= 0) checkedAgreement(propensity, logged[at]!, '_label_probability', `p[${at}]`);
  return { position, action, propensity, reward, eligible, ...(logged === undefined ? {} : { distribution: logged }) };
}

function listChoices(
  outcomes: readonly Loose[],
  actions: readonly LoggedAction[],
  slots: readonly Loose[],
  range: RewardRange,
): LoggedChoice[] {
  const taken = new Set<number>();
  return outcomes.map((outcome, k) => {
    const at = `_outcomes[${k}]`;
    const chosen = listOf(outcome['_a'], `${at}._a`).map((a, i) => indexOf(a, actions.length, `${at}._a[${i}]`));
    const p = listOf(outcome['_p'], `${at}._p`);
    if (chosen.length === 0) throw malformed(`${at}._a is empty.`, `${at}._a`);
    const propensity = propensityOf(p[0], `${at}._p[0]`);
    const included = slots[k]!['_inc'];
    const alone = propensity > 1 - 1e-6 && (!Array.isArray(included) || included.length === 1);
    const complete = p.length === chosen.length && (chosen.length > 1 || alone);
    const position = outcome['_position'] === undefined ? k : indexOf(outcome['_position'], 1000, `${at}._position`);
    const eligible = complete
      ? chosen
      : included === undefined
        ? actions.map((_, i) => i).filter((i) => !taken.has(i))
        : listOf(included, `c._slots[${k}]._inc`).map((a, i) => indexOf(a, actions.length, `_inc[${i}]`));
    const distribution = complete ? distributionOf(p, chosen.length, `${at}._p`) : undefined;
    const reward = rewardOf(negated(outcome['_label_cost'], `${at}._label_cost`), range, `${at}._label_cost`);
    taken.add(chosen[0]!);
    return {
      position,
      action: chosen[0]!,
      propensity,
      eligible,
      reward,
      ...(distribution === undefined ? {} : { distribution }),
    };
  });
}

/** Actions of slates count within their slot. */
function slatesOf(outcomes: readonly Loose[], actions: readonly LoggedAction[]): LoggedChoice[] {
  return outcomes.map((outcome, position) => {
    const at = `_outcomes[${position}]`;
    const own = actions.flatMap((action, i) => (action.slot === position ? [i] : []));
    const chosen = listOf(outcome['_a'], `${at}._a`).map((a, i) => own[indexOf(a, own.length, `${at}._a[${i}]`)]!);
    const p = listOf(outcome['_p'], `${at}._p`);
    if (chosen.length === 0) throw malformed(`${at}._a is empty.`, `${at}._a`);
    const propensity = propensityOf(p[0], `${at}._p[0]`);
    const complete = chosen.length === own.length;
    const distribution = complete ? distributionOf(p, chosen.length, `${at}._p`) : undefined;
    return {
      position,
      action: chosen[0]!,
      propensity,
      eligible: complete ? chosen : own,
      ...(distribution === undefined ? {} : { distribution }),
    };
  });
}

function actionOf(row: Loose, index: number): LoggedAction {
  const { _tag: tag, _slot_id: slot, ...features } = row;
  return {
    id: typeof tag === 'string' && tag !== '' ? tag : `#${index + 1}`,
    features: features as JsonObject,
    ...(slot === undefined ? {} : { slot: indexOf(slot, 1000, `c._multi[${index}]._slot_id`) }),
  };
}

/** pdrop is the share of decisions like this one that the log dropped; `_weight` is what our own writer adds to be exact. */
function weightOf(record: Loose): number {
  if (record['_weight'] !== undefined) {
    const weight = finiteOf(record['_weight'], '_weight');
    if (weight >= 1) return weight;
    throw malformed(`_weight must be at least 1, not ${weight}.`, '_weight');
  }
  if (record['pdrop'] === undefined) return 1;
  const dropped = finiteOf(record['pdrop'], 'pdrop');
  if (dropped >= 0 && dropped < 1) return 1 / (1 - dropped);
  throw invalidRequest('LOG_PDROP_RANGE', `pdrop must be at least 0 and below 1, not ${dropped}.`, 'pdrop');
}

function parsed(line: string): unknown {
  try {
    return parseBoundedText(line, JSON_BOUNDS.logLine);
  } catch (error) {
    if (isExcess(error)) throw error;
    throw malformed('The line is not JSON.');
  }
}

/** 0 − x, so that a cost of 0 is a reward of 0 and not of −0. */
const negated = (value: unknown, field: string): number => {
  if (value === undefined || value === null) throw invalidRequest('LOG_REWARD', `${field} is missing.`, field);
  return typeof value === 'number' ? 0 - value : NaN;
};
const oneLess = (value: unknown): unknown => (typeof value === 'number' ? value - 1 : value);
const oneMore = (value: unknown): unknown => (typeof value === 'number' ? value + 1 : value);
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

function objectOf(value: unknown, field: string): Loose {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Loose;
  throw malformed(`${field} must be an object.`, field);
}

function listOf(value: unknown, field: string): readonly Json[] {
  if (Array.isArray(value)) return value as Json[];
  throw malformed(`${field} must be a list.`, field);
}
