/** Folds a decision: from here on it counts. */
import { availableCents, type CampaignLedger } from '../../messages/campaigns.js';
import type { DecisionBody } from '../../messages/decisions.js';
import { parseDecisionId } from '../../messages/tokens.js';
import type { FoldContext } from '../host/actor-kind.js';
import { raiseCaps } from './caps.js';
import { addFatigue } from './fatigue.js';
import { closeEarly, follow, ledger, rewardSettingsFor, settle, type FoldWork } from './fold-work.js';
import { openPending } from './pending.js';
import { findByRequestId, rememberDecision } from './recent-decisions.js';
import { touch } from './session.js';
import type { UserState } from './state.js';

/** Why a decision may no longer happen. */
export type Refusal = 'consent' | 'request-id' | 'budget';

/** Undefined where it may happen. */
export function refusalOf(state: UserState, body: DecisionBody, ctx: FoldContext<CampaignLedger>): Refusal | undefined {
  // What it was based on no longer holds: it is decided anew.
  if (body.personalized && state.consentSequence > body.basedOn) return 'consent';
  if (body.requestId !== undefined && findByRequestId(state.recent, body.requestId) !== undefined) return 'request-id';
  if (body.holds.length > 0 && !canHold(body, ctx.shared)) return 'budget';
  return undefined;
}

export function foldDecision(work: FoldWork, body: DecisionBody): void {
  const { ctx } = work;
  const { user, events } = ctx.settings;
  const nonce = parseDecisionId(body.id)!.nonce;
  touch(work, body.sessionId);
  if (body.state !== undefined) {
    follow(work, { next: { state: body.state, eligible: body.eligible }, terminal: false }, body.surface);
  }
  // Caps count by the time at which it was decided; an owner's clock that runs ahead must not close a cap for longer.
  const capAtMs = Math.min(Math.max(body.atMs, ctx.atMs), ctx.atMs + events.futureMaxMs);
  const impression = rewardSettingsFor(ctx, body.surface).impression === 'required';
  const episode = `${ctx.address.kind}.${ctx.address.token}.${work.state.sessionStartMs.toString(36)}`;
  const opened = openPending({ nonce, body, atMs: ctx.atMs, capAtMs, impression, episode });
  const { sequence } = ctx;
  const entry = { nonce, sequence, requestHash: body.requestHash ?? '', requestId: body.requestId ?? '' };
  work.state = {
    ...work.state,
    decisions: work.state.decisions + 1,
    caps: raiseCaps(work.state.caps, body.caps, capAtMs),
    pending: [...work.state.pending, opened],
    recent: rememberDecision(work.state.recent, entry, user.requestIdsMax),
  };
  if (!impression) work.state = addFatigue(work.state, body.fatigueCost, ctx.atMs, user.fatigue);
  for (const { campaign, amountCents } of body.holds) ledger(work, { op: 'hold', campaign, amountCents });
  for (const campaign of body.wants) {
    if (Object.hasOwn(ctx.shared.campaigns, campaign)) ledger(work, { op: 'want', campaign });
  }
  settle(work, ctx.atMs);
  while (work.state.pending.length > user.pendingMax) {
    const [oldest, ...rest] = work.state.pending;
    work.state = { ...work.state, pending: rest };
    closeEarly(work, oldest!, ctx.atMs);
  }
}

function canHold(body: DecisionBody, { campaigns }: CampaignLedger): boolean {
  const wanted = new Map<string, number>();
  for (const { campaign, amountCents } of body.holds) {
    wanted.set(campaign, (wanted.get(campaign) ?? 0) + amountCents);
  }
  for (const [campaign, amountCents] of wanted) {
    const replica = Object.hasOwn(campaigns, campaign) ? campaigns[campaign] : undefined;
    if (replica?.status !== 'live' || availableCents(replica) < amountCents) return false;
  }
  return true;
}
