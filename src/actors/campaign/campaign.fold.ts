/** The campaign's fold: commands and times move its machine, partitions' messages move its money. */
import { EngineError } from '../../kernel/errors.js';
import { decodeToken } from '../../kernel/ids.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { ActorRecord, Effect, FoldContext, Folded } from '../host/actor-kind.js';
import {
  giveBack,
  grantSize,
  openBudget,
  request,
  serve,
  spend,
  spentCents,
  type GrantSize,
  type Served,
} from './budget.js';
import { statusAfter, type CampaignMove } from './campaign.machine.js';
import { AUDIT_ENTRIES_MAX, type AuditEntry, type CampaignState } from './campaign.state.js';
import { changeBy, checkOpening, commandSchema, digestOf, refusalOf, type CampaignCommand } from './commands.js';
import type {
  AllotmentRequestedBody,
  AllotmentReturnedBody,
  CampaignStateBody,
  SpendConfirmedBody,
} from './protocol.js';

export type CampaignContext = Pick<
  FoldContext<CampaignLedger>,
  'address' | 'sequence' | 'atMs' | 'settings' | 'shared'
>;

interface Step {
  readonly state: CampaignState;
  readonly effects: readonly Effect[];
}

export function foldCampaign(
  state: CampaignState,
  record: ActorRecord,
  ctx: FoldContext<CampaignLedger>,
): Folded<CampaignState> {
  switch (record.type) {
    case 'command':
      try {
        return applied(applyCommand(state, commandSchema.parse(record.body), ctx));
      } catch (error) {
        if (!(error instanceof EngineError) || error.disposition !== 'reject') throw error;
        return { state, outcome: 'refused', reason: refusalOf(error), effects: [] };
      }
    case 'timer':
      return applied(keepTime(state, ctx));
    case 'output':
      return foldOutput(state, record, ctx);
    case 'event':
      // Anybody may send one, and none means anything here.
      return { state, outcome: 'ignored', reason: 'A campaign has no use for events.', effects: [] };
    default:
      return rejected(state, `A campaign has no use for this ${record.type}.`);
  }
}

/** Throws what `changeBy` and `checkOpening` throw. */
export function applyCommand(state: CampaignState, command: CampaignCommand, ctx: CampaignContext): Step {
  const change = changeBy(state, command);
  checkOpening(state, command.name, change, {
    id: campaignIdOf(ctx),
    atMs: ctx.atMs,
    known: ctx.shared,
    openMax: ctx.settings.campaign.openMax,
  });
  const { budgetCents } = change.definition;
  const changed = { ...state, ...change, budget: { ...state.budget, budgetCents } };
  const entry = {
    command: command.name,
    by: command.by,
    why: command.why,
    digest: digestOf(command),
    ...(command.commandId === undefined ? {} : { commandId: command.commandId }),
  };
  return move(changed, command.name, entry, ctx);
}

const applied = (step: Step): Folded<CampaignState> => ({ ...step, outcome: 'applied' });
const rejected = (state: CampaignState, reason: string): Folded<CampaignState> => ({
  state,
  outcome: 'rejected',
  reason,
  effects: [],
});

function foldOutput(
  state: CampaignState,
  record: Extract<ActorRecord, { type: 'output' }>,
  ctx: CampaignContext,
): Folded<CampaignState> {
  if (state.definition === undefined) return rejected(state, 'The campaign was never defined.');
  const { budget } = state;
  switch (record.name) {
    case 'allotment.requested': {
      if (state.status === 'ended') return { state, outcome: 'ignored', effects: [] };
      const { wantCents } = record.body as AllotmentRequestedBody;
      return applied(settle({ ...state, budget: request(budget, record.from, wantCents) }, ctx));
    }
    case 'allotment.returned': {
      const { amountCents } = record.body as AllotmentReturnedBody;
      return applied(settle({ ...state, budget: giveBack(budget, record.from, amountCents) }, ctx));
    }
    case 'spend.confirmed': {
      const { amountCents } = record.body as SpendConfirmedBody;
      return applied(settle({ ...state, budget: spend(budget, record.from, amountCents) }, ctx));
    }
    default:
      return rejected(state, `A campaign has no use for ${record.name}.`);
  }
}

/** Ends or starts what is due, or looks again for money to recall. An end that has passed comes first: a campaign does not start to end at once. */
function keepTime(state: CampaignState, ctx: CampaignContext): Step {
  const entry = { by: 'timer' };
  if (state.endsAtMs > 0 && ctx.atMs >= state.endsAtMs && statusAfter(state.status, 'end') !== undefined) {
    return move(state, 'end', { ...entry, command: 'expire', why: 'endsAt was reached' }, ctx);
  }
  if (state.status === 'scheduled' && ctx.atMs >= state.startsAtMs) {
    return move(state, 'start', { ...entry, command: 'start', why: 'startsAt was reached' }, ctx);
  }
  return settle(state, ctx);
}

/** Moves the machine, with what entering the new status means for the partitions and the money. */
function move(
  state: CampaignState,
  by: CampaignMove,
  entry: Omit<AuditEntry, 'atMs' | 'sequence' | 'from' | 'to'>,
  ctx: CampaignContext,
): Step {
  const to = statusAfter(state.status, by);
  if (to === undefined) throw new EngineError('Invariant', 'CAMPAIGN_MOVE', `No ${by} from ${state.status}.`);
  const audited: AuditEntry = { ...entry, atMs: ctx.atMs, sequence: ctx.sequence, from: state.status, to };
  const moved: CampaignState = { ...state, status: to, audit: [...state.audit, audited].slice(-AUDIT_ENTRIES_MAX) };
  if (to === 'ended')
    return {
      state: { ...moved, budget: { ...moved.budget, waiting: [], retryAtMs: 0 } },
      effects: announce(moved, ctx),
    };
  const opens = to === 'live' && (state.status === 'draft' || state.status === 'scheduled');
  if (!opens) return settle(moved, ctx, to === state.status ? [] : announce(moved, ctx));
  const budget = openBudget(moved.budget.budgetCents, ctx.settings.partitions, sizeOf(moved, ctx));
  return settle({ ...moved, budget }, ctx, announce(moved, ctx, budget.granted));
}

/** Sees whether the budget is exhausted or replenished; while live, serves those who wait. */
function settle(state: CampaignState, ctx: CampaignContext, before: readonly Effect[] = []): Step {
  const { status, definition, budget } = state;
  const unspent = budget.budgetCents - spentCents(budget);
  const pays = definition !== undefined && unspent >= Math.min(...definition.offers.map((offer) => offer.costCents));
  const by = status === 'live' && !pays ? 'drained' : status === 'exhausted' && pays ? 'replenished' : undefined;
  if (by !== undefined) {
    const why = `${unspent} cents are unspent`;
    const moved = move(state, by, { command: by, by: 'budget', why }, ctx);
    return { state: moved.state, effects: [...before, ...moved.effects] };
  }
  if (status !== 'live' || budget.waiting.length === 0) return { state, effects: before };
  const served = serve(budget, sizeOf(state, ctx), ctx.atMs);
  return { state: { ...state, budget: served.budget }, effects: [...before, ...moneyOf(served, ctx)] };
}

function sizeOf(state: CampaignState, ctx: CampaignContext): GrantSize {
  const unitCents = Math.max(...state.definition!.offers.map((offer) => offer.costCents));
  const { partitions, campaign } = ctx.settings;
  return grantSize(state.budget.budgetCents, unitCents, partitions, campaign.initialShare);
}

const campaignIdOf = (ctx: CampaignContext): string => decodeToken(ctx.address.token) ?? ctx.address.token;

/** Tells every partition what the campaign is now, and at its launch what each may spend. */
function announce(state: CampaignState, ctx: CampaignContext, granted: readonly number[] = []): Effect[] {
  const { surface, offers, offerValidMs } = state.definition!;
  const body: CampaignStateBody = { campaign: campaignIdOf(ctx), status: state.status, surface, offers, offerValidMs };
  return Array.from({ length: ctx.settings.partitions }, (_, partition) => {
    const grantedCents = granted[partition] ?? 0;
    return {
      to: 'partition',
      partition,
      name: 'campaign.state',
      body: grantedCents === 0 ? body : { ...body, grantedCents },
    };
  });
}

function moneyOf(served: Served, ctx: CampaignContext): Effect[] {
  const campaign = campaignIdOf(ctx);
  return [
    ...served.grants.map(({ partition, amountCents }): Effect => {
      return { to: 'partition', partition, name: 'allotment.granted', body: { campaign, amountCents } };
    }),
    ...served.recalls.map((partition): Effect => {
      return { to: 'partition', partition, name: 'allotment.recall', body: { campaign } };
    }),
  ];
}
