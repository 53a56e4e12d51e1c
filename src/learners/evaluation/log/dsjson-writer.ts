/**
 * Writes decisions as dsjson. What is written reads back equal, where a choice lists what it chose
 * first in `eligible` (all readers do for lists and slates). What dsjson has no field for goes into fields of our own.
 */
import { z } from 'zod';
import { invalidRequest } from '../../../kernel/errors.js';
import type { Asked, LoggedChoice, LoggedDecision } from '../logged.js';
import { malformed } from './checks.js';

const RESERVED = ['_multi', '_slots'] as const;

const finite = z.number().refine(Number.isFinite, 'must be finite');
const askedSchema = z.strictObject({
  surface: z.string(),
  atMs: finite,
  subject: z.record(z.string(), finite),
  state: z.string().optional(),
  observation: z.array(finite).optional(),
});

/** One line, without its end. Throws InvalidRequest `LOG_UNWRITABLE` for a context that has a key of the format's own. */
export function writeDsjson(decision: LoggedDecision): string {
  for (const key of RESERVED)
    if (key in decision.context)
      throw invalidRequest('LOG_UNWRITABLE', `A context may not have a ${key} in dsjson.`, `context.${key}`);
  const multi = decision.actions.map(({ id, features, slot }) => ({
    ...features,
    _tag: id,
    ...(slot === undefined ? {} : { _slot_id: slot }),
  }));
  const [first] = decision.choices;
  return JSON.stringify({
    ...(decision.kind === 'single' ? singleLabel(first!) : {}),
    ...(decision.kind === 'slates' ? { _label_cost: 0 - decision.reward } : {}),
    ...(decision.timestamp === undefined ? {} : { Timestamp: decision.timestamp }),
    Version: '1',
    ...(decision.id === '' ? {} : { EventId: decision.id }),
    ...(decision.kind === 'single' ? { a: first!.eligible.map((a) => a + 1) } : {}),
    c: {
      ...decision.context,
      _multi: multi,
      ...(decision.kind === 'single' ? {} : { _slots: slotsOf(decision) }),
    },
    ...(first!.distribution === undefined || decision.kind !== 'single' ? {} : { p: first!.distribution }),
    ...(decision.kind === 'single'
      ? {}
      : { _outcomes: decision.choices.map((choice, k) => outcomeOf(choice, k, decision)) }),
    ...(decision.weight === 1 ? {} : { pdrop: 1 - 1 / decision.weight, _weight: decision.weight }),
    ...(decision.asked === undefined ? {} : { _attune: decision.asked }),
  });
}

function singleLabel({ action, propensity, position, reward }: LoggedChoice): object {
  return {
    _label_cost: 0 - (reward ?? 0),
    _label_probability: propensity,
    _label_Action: action + 1,
    _labelIndex: action,
    ...(position === 0 ? {} : { _position: position }),
  };
}

/** Where a choice's distribution is not known, what was eligible is written as the slot's `_inc`. */
function slotsOf({ slots, choices, kind }: LoggedDecision): object[] {
  return choices.map((choice, k) => ({
    ...slots?.[k],
    ...(choice.distribution === undefined && kind === 'list' ? { _inc: choice.eligible } : {}),
  }));
}

/** The chosen action comes first: its probability is the propensity, and the others' follow in order. */
function outcomeOf(choice: LoggedChoice, k: number, { actions, kind }: LoggedDecision): object {
  const { action, propensity, eligible, distribution, position, reward } = choice;
  const own = actions.flatMap((candidate, i) => (candidate.slot === position ? [i] : []));
  const shown = (index: number): number => (kind === 'slates' ? own.indexOf(index) : index);
  const place = { ...cost(reward), ...(position === k ? {} : { _position: position }) };
  if (distribution === undefined || distribution.length !== eligible.length)
    return { ...place, _a: [shown(action)], _p: [propensity] };
  const order = eligible
    .map((_, i) => i)
    .sort((x, y) => Number(eligible[y] === action) - Number(eligible[x] === action));
  return {
    ...place,
    _a: order.map((i) => shown(eligible[i]!)),
    _p: order.map((i) => (eligible[i] === action ? propensity : distribution[i]!)),
  };
}

const cost = (reward: number | undefined): object => (reward === undefined ? {} : { _label_cost: 0 - reward });

/** Reads `_attune` back. Throws InvalidRequest `LOG_MALFORMED`. */
export function askedOf(value: unknown): { asked?: Asked } {
  if (value === undefined) return {};
  const read = askedSchema.safeParse(value);
  if (read.success) return { asked: read.data as Asked };
  const issue = read.error.issues[0]!;
  throw malformed(`_attune: ${issue.message}`, ['_attune', ...issue.path].join('.'));
}
