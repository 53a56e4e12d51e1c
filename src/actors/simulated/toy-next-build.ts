/**
 * A made-up next build of the toys. In its schema a user's `closed` is `closings`, a decision's `basedOn` is `upTo`, and
 * the `value` of an output is its `worth`; by its rules a click is worth twice its value.
 */
import { THIS_BUILD, type Build, type Stored, type StoredForm } from '../../messages/versions.js';
import type { ActorKind, Folded } from '../host/actor-kind.js';
import type { NextCast } from './fleet.js';
import { TOY_KINDS } from './toy-kinds.js';
import type { ToyLedger } from './toy-ledger.js';

type ToyKind = ActorKind<unknown, ToyLedger, unknown>;
type Name = readonly [now: string, next: string];

const STATE: Name = ['closed', 'closings'];
const DECISION: Name = ['basedOn', 'upTo'];
const OUTPUT: Name = ['value', 'worth'];

/** Where each form holds what has another name then. */
const PLACES: Partial<Record<StoredForm, readonly [field: string, name: Name]>> = {
  decision: ['body', DECISION],
  output: ['body', OUTPUT],
  snapshot: ['state', STATE],
};

function renamed(value: unknown, from: string, to: string): unknown {
  if (typeof value !== 'object' || value === null || !(from in value)) return value;
  const { [from]: moved, ...rest } = value as Record<string, unknown>;
  return { ...rest, [to]: moved };
}

const up = (value: unknown, [now, next]: Name): unknown => renamed(value, now, next);
const down = (value: unknown, [now, next]: Name): unknown => renamed(value, next, now);

function moved(form: StoredForm, data: Stored, move: (value: unknown, name: Name) => unknown): Stored {
  const place = PLACES[form];
  return place ? { ...data, [place[0]]: move(data[place[0]], place[1]) } : data;
}

const NEXT_TOY_BUILD: Build = {
  ...THIS_BUILD,
  schema: THIS_BUILD.schema + 1,
  semantics: THIS_BUILD.semantics + 1,
  steps: [
    ...THIS_BUILD.steps,
    {
      from: THIS_BUILD.schema,
      up: (form, data) => moved(form, data, up),
      down: (form, data) => moved(form, data, down),
    },
  ],
};

/** What a click with this value is worth under the rules in force. */
export const toyWorth = (value: number, semantics: number): number =>
  semantics > THIS_BUILD.semantics ? 2 * value : value;

/** Knows the newer rules, under the names of this build. */
const knowing = (kind: ToyKind): ToyKind => ({
  ...kind,
  fold(state, record, ctx) {
    if (record.type !== 'event' || record.event.type !== 'click') return kind.fold(state, record, ctx);
    const { event } = record;
    const value = toyWorth(event.data.value ?? 0, ctx.semantics);
    return kind.fold(state, { type: 'event', event: { ...event, data: { ...event.data, value } } }, ctx);
  },
});

/** As the next build's code has it: anything under an old name would be lost on it. */
const renaming = (kind: ToyKind): ToyKind => ({
  ...kind,
  create: (address) => up(kind.create(address), STATE),
  fold(state, record, ctx): Folded<unknown> {
    const known = 'body' in record ? { ...record, body: down(down(record.body, DECISION), OUTPUT) } : record;
    const folded = kind.fold(down(state, STATE), known, ctx);
    const effects = folded.effects.map((effect) =>
      effect.to === 'actor' ? { ...effect, body: up(effect.body, OUTPUT) } : effect,
    );
    return { ...folded, state: up(folded.state, STATE), effects };
  },
  timer: (state) => kind.timer(down(state, STATE)),
  isVacant: (state) => kind.isVacant(down(state, STATE)),
  revive(saved) {
    if (STATE[0] in (saved as object)) throw new Error('the state is of the build before');
    return kind.revive(saved);
  },
  handle(state, verb, request, ctx) {
    const overlay = ctx.overlay.map((body) => down(body, DECISION));
    const handling = kind.handle(down(state, STATE), verb, request, { ...ctx, overlay });
    if (handling.do === 'append') return { ...handling, body: up(handling.body, DECISION) };
    if (handling.do === 'reread')
      return { ...handling, reply: (body: unknown) => handling.reply(down(body, DECISION)) };
    return handling;
  },
});

const kindsOf = (change: (kind: ToyKind) => ToyKind) =>
  [...TOY_KINDS.values()].map(
    (kind) => change(kind as unknown as ToyKind) as unknown as ActorKind<never, ToyLedger, never>,
  );

export const NEXT_TOYS: NextCast<ToyLedger> = {
  build: NEXT_TOY_BUILD,
  kinds: kindsOf((kind) => renaming(knowing(kind))),
  plainKinds: kindsOf(knowing),
};
