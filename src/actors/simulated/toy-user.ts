import { decisionIdOf } from '../../messages/tokens.js';
import type {
  ActorKind,
  ActorRecord,
  Effect,
  FoldContext,
  Folded,
  HandleContext,
  Handling,
} from '../host/actor-kind.js';
import { allotmentOf, availableIn, type ToyLedger } from './toy-ledger.js';

/** A decision whose window is open. */
export interface ToyWindow {
  readonly id: string;
  readonly dueMs: number;
  readonly campaign: string;
  readonly cost: number;
}

export interface ToyUserState {
  readonly clicks: number;
  readonly sum: number;
  /** Order of everything folded, as a hash. */
  readonly digest: number;
  /** Fold times of decisions, oldest first: what the cap counts. */
  readonly shown: readonly number[];
  /** By due time. */
  readonly windows: readonly ToyWindow[];
  /** requestId → [decision id, sequence]. */
  readonly requests: Readonly<Record<string, readonly [string, number]>>;
  readonly closed: number;
  /** Events that came too early at first. */
  readonly early: number;
}

export interface ToyDecision {
  readonly id: string;
  readonly requestId: string;
  readonly campaign: string;
  /** Units held; 0 where the partition had not enough left. */
  readonly cost: number;
  readonly wants: boolean;
  readonly windowMs: number;
  /** What the decision was based on. */
  readonly basedOn: number;
  readonly clicks: number;
  readonly degraded: readonly string[];
}

export interface ToyDecideRequest {
  readonly requestId: string;
  readonly campaign: string;
  readonly cost: number;
  readonly windowMs: number;
  readonly after?: string;
}

export interface ToyClosing {
  readonly decisionId: string;
  readonly by: 'timer' | 'accept';
  readonly dueMs: number;
  readonly closedAtMs: number;
  readonly campaign: string;
  readonly spent: number;
  readonly released: number;
}

/** At most so many decisions a user within the window. */
export const TOY_CAP = { max: 3, windowMs: 4_000 } as const;

/** Before so many clicks nothing can be early. */
export const TOY_EARLY_CLICKS = 4;

const EMPTY: ToyUserState = { clicks: 0, sum: 0, digest: 0, shown: [], windows: [], requests: {}, closed: 0, early: 0 };

const digestOf = (digest: number, sequence: number): number => Math.imul(digest ^ sequence, 0x01000193) >>> 0;

/**
 * A user as small as one can be that still has everything the host promises something about: exactly counted events,
 * capped and budgeted decisions, repeated requests, windows closed by a timer, outputs to other actors. It trusts the
 * host blindly: a timer closes whatever window is first, a repeated event counts again.
 */
export const toyUserKind: ActorKind<ToyUserState, ToyLedger, unknown> = {
  kind: 'user',
  create: () => EMPTY,
  fold,
  timer: (state) => state.windows[0]?.dueMs ?? 0,
  isVacant: (state) => state.digest === 0,
  revive: (saved) => saved as ToyUserState,
  handle,
};

function fold(state: ToyUserState, record: ActorRecord, ctx: FoldContext<ToyLedger>): Folded<ToyUserState> {
  const seen = { ...state, digest: digestOf(state.digest, ctx.sequence) };
  switch (record.type) {
    case 'event':
      return foldEvent(seen, record.event, ctx);
    case 'decision':
      return foldDecision(seen, record.body as ToyDecision, ctx);
    case 'timer': {
      const window = seen.windows[0];
      if (!window) return { state, outcome: 'ignored', effects: [] };
      return close(seen, window, 'timer', ctx);
    }
    default:
      throw new Error(`a toy user folds no ${record.type}`);
  }
}

function foldEvent(
  state: ToyUserState,
  event: Extract<ActorRecord, { type: 'event' }>['event'],
  ctx: FoldContext<ToyLedger>,
): Folded<ToyUserState> {
  const value = event.data.value ?? 0;
  switch (event.type) {
    case 'click':
      return {
        state: { ...state, clicks: state.clicks + 1, sum: state.sum + value },
        outcome: 'applied',
        effects: [
          {
            to: 'actor',
            address: { kind: 'zone', token: `zone-${value % 3}` },
            name: 'pickup',
            body: { user: ctx.address.token, value },
          },
        ],
      };
    case 'accept': {
      const window = state.windows.find(({ id }) => id === event.data.decisionId);
      if (!window) return { state, outcome: 'ignored', effects: [] };
      return close(state, window, 'accept', ctx);
    }
    case 'early':
      if (state.clicks < TOY_EARLY_CLICKS) return { state, outcome: 'rejected', reason: 'EARLY', effects: [] };
      return { state: { ...state, early: state.early + 1 }, outcome: 'applied', effects: [] };
    case 'gift': {
      const { campaign, partition } = event.data as unknown as { campaign: string; partition: number };
      const gift = { to: 'partition', partition, name: 'gift', body: { campaign } } as const;
      return { state, outcome: 'applied', effects: [gift] };
    }
    case 'nonsense':
      return { state, outcome: 'rejected', reason: 'NONSENSE', effects: [] };
    default:
      throw new Error(`a toy user cannot fold ${event.type}`);
  }
}

function foldDecision(state: ToyUserState, body: ToyDecision, ctx: FoldContext<ToyLedger>): Folded<ToyUserState> {
  if (state.requests[body.requestId]) return { state, outcome: 'refused', reason: 'REQUEST_ID', effects: [] };
  if (availableIn(ctx.shared, body.campaign) < body.cost) {
    return { state, outcome: 'refused', reason: 'BUDGET', effects: [] };
  }
  const window: ToyWindow = { id: body.id, dueMs: ctx.atMs + body.windowMs, campaign: body.campaign, cost: body.cost };
  const effects: Effect[] = [];
  if (body.cost > 0) effects.push({ to: 'shared', op: { op: 'hold', campaign: body.campaign, amount: body.cost } });
  if (body.wants) effects.push({ to: 'shared', op: { op: 'want', campaign: body.campaign } });
  return {
    state: {
      ...state,
      shown: [...state.shown.filter((atMs) => atMs > ctx.atMs - TOY_CAP.windowMs), ctx.atMs],
      windows: [...state.windows, window].sort((a, b) => a.dueMs - b.dueMs || (a.id < b.id ? -1 : 1)),
      requests: { ...state.requests, [body.requestId]: [body.id, ctx.sequence] },
    },
    outcome: 'applied',
    effects,
  };
}

function close(
  state: ToyUserState,
  window: ToyWindow,
  by: 'timer' | 'accept',
  ctx: FoldContext<ToyLedger>,
): Folded<ToyUserState> {
  const { campaign, cost } = window;
  const spent = by === 'accept' ? cost : 0;
  const closing: ToyClosing = {
    decisionId: window.id,
    by,
    dueMs: window.dueMs,
    closedAtMs: ctx.atMs,
    campaign,
    spent,
    released: cost - spent,
  };
  const effects: Effect[] = [{ to: 'experience', surface: 'toy', body: closing }];
  if (cost > 0) {
    effects.push({ to: 'shared', op: { op: by === 'accept' ? 'confirm' : 'release', campaign, amount: cost } });
  }
  return {
    state: { ...state, windows: state.windows.filter(({ id }) => id !== window.id), closed: state.closed + 1 },
    outcome: 'applied',
    effects,
  };
}

function handle(state: ToyUserState, verb: string, request: unknown, ctx: HandleContext<ToyLedger, unknown>): Handling {
  if (verb === 'view') return { do: 'reply', body: { state, sequence: ctx.sequence } };
  const { requestId, campaign, cost, windowMs } = request as ToyDecideRequest;
  const known = state.requests[requestId];
  if (known) {
    const [id, sequence] = known;
    return { do: 'reread', sequence, reply: (body) => ({ id, sequence, decision: body, repeated: true }) };
  }
  const pending = ctx.overlay as readonly ToyDecision[];
  const same = pending.find((decision) => decision.requestId === requestId);
  if (same) return { do: 'join', key: same.id };
  const shown = state.shown.filter((atMs) => atMs > ctx.nowMs - TOY_CAP.windowMs).length + pending.length;
  if (shown >= TOY_CAP.max) return { do: 'reply', body: { capped: true } };
  const left = availableIn(ctx.shared, campaign) - ctx.reserved(campaign);
  const decision: ToyDecision = {
    id: decisionIdOf(ctx.nonce(), 'user', ctx.address.token),
    requestId,
    campaign,
    cost: left >= cost ? cost : 0,
    wants: left < cost && !allotmentOf(ctx.shared, campaign).asked,
    windowMs,
    basedOn: ctx.sequence,
    clicks: state.clicks,
    degraded: ctx.degraded,
  };
  return {
    do: 'append',
    class: 'decision',
    address: ctx.address,
    key: decision.id,
    body: decision,
    reply: ({ sequence, token }) => ({ id: decision.id, sequence, token, decision }),
    refused: () => undefined,
  };
}
