/**
 * A made-up next build of the host's test actors. In its schema what this one calls `sum` and `total` is `amount`, and the
 * bodies of records say `amount` for `n`; by its semantics an event `add` counts ten times its value.
 */
import type { ActorKind, Folded, SharedState } from '../../src/actors/host/actor-kind.js';
import type { Stored, StoredForm } from '../../src/messages/versions.js';
import { THIS_BUILD, type Build } from '../../src/messages/versions.js';
import { createTotals, tallyKind, type Tally, type Total } from './host-world.js';

type Names = Readonly<Record<string, string>>;
const NEXT: Names = { sum: 'amount', total: 'amount', n: 'amount' };

const renamed = (value: unknown, from: string, to: string): unknown => {
  if (typeof value !== 'object' || value === null || !(from in value)) return value;
  const { [from]: moved, ...rest } = value as Record<string, unknown>;
  return { ...rest, [to]: moved };
};

/** Where each form holds what has another name now. */
const PLACES: Partial<Record<StoredForm, readonly [field: string, name: string]>> = {
  decision: ['body', 'n'],
  output: ['body', 'n'],
  snapshot: ['state', 'sum'],
  checkpoint: ['shared', 'total'],
};

export const NEXT_BUILD: Build = {
  ...THIS_BUILD,
  schema: THIS_BUILD.schema + 1,
  semantics: THIS_BUILD.semantics + 1,
  steps: [
    ...THIS_BUILD.steps,
    {
      from: THIS_BUILD.schema,
      up: (form, data) => moved(form, data, (value, name) => renamed(value, name, NEXT[name]!)),
      down: (form, data) => moved(form, data, (value, name) => renamed(value, NEXT[name]!, name)),
    },
  ],
};

function moved(form: StoredForm, data: Stored, move: (value: unknown, name: string) => unknown): Stored {
  const place = PLACES[form];
  return place ? { ...data, [place[0]]: move(data[place[0]], place[1]) } : data;
}

/** What the next build's code knows; anything under an old name would be lost on it. */
interface NextTally {
  readonly amount: number;
  readonly due?: number;
}

const inner = ({ amount, ...rest }: NextTally): Tally => ({ ...rest, sum: amount });
const outer = ({ sum, ...rest }: Tally): NextTally => ({ ...rest, amount: sum });

export const nextTallyKind: ActorKind<NextTally, Total, never> = {
  kind: 'user',
  create: () => ({ amount: 0 }),
  fold(state, record, ctx): Folded<NextTally> {
    const known =
      record.type === 'event' && record.event.type === 'add' && ctx.semantics > THIS_BUILD.semantics
        ? { ...record, event: { ...record.event, data: { value: 10 * (record.event.data.value ?? 1) } } }
        : 'body' in record
          ? { ...record, body: renamed(record.body, 'amount', 'n') }
          : record;
    const folded = tallyKind.fold(inner(state), known, ctx);
    const effects = folded.effects.map((effect) =>
      'body' in effect
        ? { ...effect, body: renamed(effect.body, 'n', 'amount') }
        : { ...effect, op: renamed((effect as { op: unknown }).op, 'n', 'amount') },
    );
    return { ...folded, state: outer(folded.state), effects: effects as Folded<NextTally>['effects'] };
  },
  timer: (state) => tallyKind.timer(inner(state)),
  isVacant: (state) => tallyKind.isVacant(inner(state)),
  revive: (saved) => {
    if (typeof (saved as NextTally).amount !== 'number') throw new Error('the state has no amount');
    return saved as NextTally;
  },
  handle(state, verb, request, ctx) {
    const handling = tallyKind.handle(inner(state), verb, request, ctx);
    return handling.do === 'append' ? { ...handling, body: renamed(handling.body, 'n', 'amount') } : handling;
  },
};

export const createNextTotals = (): SharedState<Total> => ({
  ...createTotals(),
  create: () => ({ amount: 0 }) as unknown as Total,
  revive: (saved) => {
    if (typeof (saved as { amount?: unknown }).amount !== 'number') throw new Error('the shared state has no amount');
    return saved as Total;
  },
  apply: (shared, _name, body) => {
    const amount = (shared as unknown as { amount: number }).amount + (body as { amount: number }).amount;
    return { shared: { amount } as unknown as Total, effects: [] };
  },
});
