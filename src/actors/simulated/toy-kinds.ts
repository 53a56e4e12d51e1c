import type { ActorKind, Folded } from '../host/actor-kind.js';
import type { ToyLedger } from './toy-ledger.js';
import { toyUserKind } from './toy-user.js';

export interface ToyZoneState {
  readonly pickups: number;
  readonly sum: number;
  readonly byUser: Readonly<Record<string, number>>;
}

/** Counts what users' folds send it. */
const toyZoneKind: ActorKind<ToyZoneState, ToyLedger, unknown> = {
  kind: 'zone',
  create: () => ({ pickups: 0, sum: 0, byUser: {} }),
  fold(state, record): Folded<ToyZoneState> {
    if (record.type !== 'output' || record.name !== 'pickup') throw new Error('a toy zone only folds pickups');
    const { user, value } = record.body as { user: string; value: number };
    return {
      state: {
        pickups: state.pickups + 1,
        sum: state.sum + value,
        byUser: { ...state.byUser, [user]: (state.byUser[user] ?? 0) + 1 },
      },
      outcome: 'applied',
      effects: [],
    };
  },
  timer: () => 0,
  isVacant: (state) => state.pickups === 0,
  revive: (saved) => saved as ToyZoneState,
  handle: (state, _verb, _request, ctx) => ({ do: 'reply', body: { state, sequence: ctx.sequence } }),
  broadcast: (state) => state,
};

export interface ToyCampaignState {
  readonly budget: number;
  readonly raises: number;
  readonly granted: Readonly<Record<string, number>>;
  readonly confirmed: number;
  /** Partitions that asked when nothing was left, oldest first. */
  readonly waiting: readonly { readonly partition: number; readonly amount: number }[];
}

export const TOY_CAMPAIGNS = ['promo-a', 'promo-b'] as const;
export const TOY_ZONES = ['zone-0', 'zone-1', 'zone-2'] as const;

/** Budget of a toy campaign before it is raised, in units. */
export const TOY_BUDGET = 10;

/** Hands its budget out to partitions, chunk by chunk. */
const toyCampaignKind: ActorKind<ToyCampaignState, ToyLedger, unknown> = {
  kind: 'campaign',
  create: () => ({ budget: TOY_BUDGET, raises: 0, granted: {}, confirmed: 0, waiting: [] }),
  fold(state, record, ctx): Folded<ToyCampaignState> {
    if (record.type === 'command') {
      const { amount } = record.body as { amount: number };
      return grant({ ...state, budget: state.budget + amount, raises: state.raises + 1 }, ctx.address.token);
    }
    if (record.type !== 'output') throw new Error(`a toy campaign folds no ${record.type}`);
    const { partition, amount } = record.body as { partition: number; amount: number };
    if (record.name === 'spend.confirmed') {
      return { state: { ...state, confirmed: state.confirmed + amount }, outcome: 'applied', effects: [] };
    }
    return grant({ ...state, waiting: [...state.waiting, { partition, amount }] }, ctx.address.token);
  },
  timer: () => 0,
  isVacant: () => false,
  revive: (saved) => saved as ToyCampaignState,
  handle(state, verb, request, ctx) {
    if (verb === 'view') return { do: 'reply', body: { state, sequence: ctx.sequence } };
    const key = ctx.nonce();
    return {
      do: 'append',
      class: 'command',
      address: ctx.address,
      key,
      body: request,
      reply: ({ sequence }) => ({ sequence }),
      refused: (reason) => ({ family: 'Conflict', code: 'REFUSED', message: reason }),
    };
  },
};

function grant(state: ToyCampaignState, campaign: string): Folded<ToyCampaignState> {
  const granted: Record<string, number> = { ...state.granted };
  const effects: Folded<ToyCampaignState>['effects'][number][] = [];
  const waiting = [...state.waiting];
  let left = state.budget - Object.values(granted).reduce((sum, amount) => sum + amount, 0);
  while (left > 0 && waiting.length > 0) {
    const { partition, amount } = waiting.shift()!;
    const given = Math.min(amount, left);
    left -= given;
    granted[partition] = (granted[partition] ?? 0) + given;
    effects.push({ to: 'partition', partition, name: 'allotment.granted', body: { campaign, amount: given } });
  }
  return { state: { ...state, granted, waiting }, outcome: 'applied', effects };
}

export const TOY_KINDS: ReadonlyMap<string, ActorKind<never, ToyLedger, never>> = new Map(
  [toyUserKind, toyZoneKind, toyCampaignKind].map((kind) => [
    kind.kind,
    kind as unknown as ActorKind<never, ToyLedger, never>,
  ]),
);
