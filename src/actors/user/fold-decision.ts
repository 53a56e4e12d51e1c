/** Folds a decision: from here on it counts. */
import { availableCents, type CampaignLedger } from '../../messages/campaigns.js';
import type { DecisionBody } from '../../messages/decisions.js';
import { parseDecisionId } from '../../messages/tokens.js';
import type { FoldContext } from '../host/actor-kind.js';
import { raiseCaps } from './caps.js';
import { hasConsent } from './consent.js';
import { addFatigue } from './fatigue.js';
import { takeStep } from './episodes.js';
import { follow, ledger, rewardSettingsFor, type FoldWork } from './fold-work.js';
import { holdsAreFull, isStep, openPending, type NextStep } from './pending.js';
import { findByRequestId, rememberDecision } from './recent-decisions.js';
import { touch } from './session.js';
import { closeOverdue, settle } from './settle.js';
import { mayWrite } from './slices.js';
import type { UserState } from './state.js';

/** Why a decision may no longer happen. */
export type Refusal = 'consent' | 'request-id' | 'budget' | 'holds';

/** Undefined where it may happen. */
export function refusalOf(state: UserState, body: DecisionBody, ctx: FoldContext<CampaignLedger>): Refusal | undefined {
  // What it was based on no longer holds: it is decided anew.
  if (body.personalized && (state.consentSequence > body.basedOn || !hasConsent(state, body.purpose))) return 'consent';
  if (body.requestId !== undefined && findByRequestId(state.recent, body.requestId) !== undefined) return 'request-id';
  if (body.holds.length > 0) {
    if (holdsAreFull(state, ctx.settings.user.pendingMax)) return 'holds';
    if (!canHold(body, ctx.shared)) return 'budget';
  }
  return undefined;
}

export function foldDecision(work: FoldWork, body: DecisionBody): void {
  const { ctx } = work;
  const { user, events } = ctx.settings;
  const nonce = parseDecisionId(body.id)!.nonce;
  touch(work, body.sessionId);
  let place: ReturnType<typeof takeStep> | undefined;
  if (isStep(body)) {
    const step = stepTo(body);
    follow(work, (surface) => (surface === body.surface ? step : undefined));
    place = takeStep(work, body.surface, body.purpose);
  }
  // Caps count by the time at which it was decided; an owner's clock that runs ahead must not close a cap for longer.
  const capAtMs = Math.min(Math.max(body.atMs, ctx.atMs), ctx.atMs + events.futureMaxMs);
  const impression = rewardSettingsFor(ctx, body.surface).impression === 'required';
  const graceMs = ctx.settings.campaign.holdGraceMs;
  const opened = openPending({ nonce, body, atMs: ctx.atMs, capAtMs, graceMs, impression, place });
  const { sequence } = ctx;
  const { purpose } = body;
  const entry = { nonce, sequence, purpose, requestHash: body.requestHash ?? '', requestId: body.requestId ?? '' };
  work.state = {
    ...work.state,
    decisions: work.state.decisions + (mayWrite(work, 'counters') ? 1 : 0),
    caps: raiseCaps(work.state.caps, body.caps, { purpose, atMs: capAtMs }),
    pending: [...work.state.pending, opened],
    recent: rememberDecision(work.state.recent, entry, user.requestIdsMax),
  };
  if (!impression && mayWrite(work, 'fatigue'))
    work.state = addFatigue(work.state, body.fatigueCost, ctx.atMs, user.fatigue);
  for (const { campaign, amountCents } of body.holds) ledger(work, { op: 'hold', campaign, amountCents });
  for (const campaign of body.wants) {
    if (ctx.shared.get(campaign) !== undefined) ledger(work, { op: 'want', campaign });
  }
  settle(work, ctx.atMs);
  closeOverdue(work, ctx.atMs);
}

/** What a decision is to the one before it in its episode. */
function stepTo({ state, observation, eligible, slate }: DecisionBody): NextStep {
  const action = slate.find((item) => !item.forced)?.id;
  return {
    next: {
      ...(state === undefined ? {} : { state }),
      ...(observation === undefined ? {} : { observation }),
      eligible,
      ...(action === undefined ? {} : { action }),
    },
  };
}

function canHold(body: DecisionBody, campaigns: CampaignLedger): boolean {
  const wanted = new Map<string, number>();
  for (const { campaign, amountCents } of body.holds) {
    wanted.set(campaign, (wanted.get(campaign) ?? 0) + amountCents);
  }
  for (const [campaign, amountCents] of wanted) {
    const replica = campaigns.get(campaign);
    if (replica?.status !== 'live' || availableCents(replica) < amountCents) return false;
  }
  return true;
}
