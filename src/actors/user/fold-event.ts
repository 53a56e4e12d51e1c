/** Folds feedback: consent, sessions, counters, places, and reactions to decisions. */
import type { Hold } from '../../messages/decisions.js';
import type { InboundEvent } from '../../messages/events.js';
import { decisionIdOf, parseDecisionId } from '../../messages/tokens.js';
import { addFatigue } from './fatigue.js';
import { withZone } from './features.js';
import { grantConsent, withdrawConsent } from './consent.js';
import { ledger, rewardSettingsFor, settle, type FoldWork } from './fold-work.js';
import { detailOf, reactionsOf, type PendingDetail } from './pending.js';
import { addReaction, isReactionType, signalOf, type Reaction } from './reward.js';
import { findByNonce } from './recent-decisions.js';
import { endSession, touch } from './session.js';
import type { PendingDecision, UserState } from './state.js';
import { cellOfEvent, tellZones } from './zone-effects.js';

/** What became of an event; `undefined` means it was applied. */
export type Unapplied = { readonly outcome: 'ignored' | 'rejected'; readonly reason: string } | undefined;

const ignored = (reason: string): Unapplied => ({ outcome: 'ignored', reason });

/** Name of the output that carries a reaction to the anonymous actor that holds its decision. */
export const REACTION_OUTPUT = 'reaction';

/** Body of that output. */
export interface ForwardedReaction extends Reaction {
  readonly nonce: string;
}

export function foldUserEvent(work: FoldWork, event: InboundEvent): Unapplied {
  switch (event.type) {
    case 'consent.granted':
      grantConsent(work, event.data);
      return undefined;
    case 'consent.withdrawn':
      withdrawConsent(work, event.data);
      return undefined;
  }
  forwardToAnonymous(work, event);
  const cell = cellOfEvent(work, event);
  if (work.state.mode.consent !== 'granted') return foldWithoutConsent(work, event, cell);
  return foldProfile(work, event, cell);
}

/** An anonymous actor's event: nothing of it is kept but the reaction. */
export function foldAnonymousEvent(work: FoldWork, event: InboundEvent): Unapplied {
  const target = targetOf(work, event);
  if (typeof target === 'string') return ignored(target);
  return target === undefined ? ignored('no-decision') : react(work, target, reactionTo(event), undefined);
}

/** A reaction that a subject's own actor has passed on. */
export function foldForwarded(work: FoldWork, { nonce, ...reaction }: ForwardedReaction): Unapplied {
  const pending = work.state.pending.find((one) => one.nonce === nonce);
  if (pending !== undefined) return react(work, pending, reaction, undefined);
  return ignored(findByNonce(work.state.recent, nonce) === undefined ? 'decision-unknown' : 'late');
}

function forwardToAnonymous(work: FoldWork, event: InboundEvent): void {
  const { decisionId } = event.data;
  const parsed = decisionId === undefined ? undefined : parseDecisionId(decisionId);
  if (parsed?.kind !== 'anon') return;
  const body: ForwardedReaction = { nonce: parsed.nonce, ...reactionTo(event) };
  work.effects.push({ to: 'actor', address: { kind: 'anon', token: parsed.token }, name: REACTION_OUTPUT, body });
}

/** No profile is written; zones are told, and an offer made before the withdrawal can still be taken. */
function foldWithoutConsent(work: FoldWork, event: InboundEvent, cell: string | undefined): Unapplied {
  tellZones(work, event, cell, '');
  const target = event.type === 'accept' ? targetOf(work, event) : undefined;
  if (target !== undefined && typeof target !== 'string') return react(work, target, reactionTo(event), undefined);
  return work.effects.length > 0 ? undefined : ignored('no-consent');
}

function foldProfile(work: FoldWork, event: InboundEvent, cell: string | undefined): Unapplied {
  const before = targetOf(work, event);
  // A reaction to nothing is nothing; an outcome (a trip, a pickup) has happened whatever decision it names.
  const isReaction = isReactionType(event.type);
  if (typeof before === 'string' && isReaction && work.effects.length === 0) return ignored(before);
  touch(work, event.data.sessionId);
  const driverZone = tellZones(work, event, cell, work.state.driverZone);
  const { recentZonesMax } = work.ctx.settings.user;
  const { zones } = work.state;
  work.state = {
    ...count(work.state, event),
    driverZone,
    zones: cell === undefined ? zones : withZone(zones, cell, recentZonesMax),
  };
  // Opening another session may have settled the decision that the event reacts to.
  const target = typeof before === 'object' && work.state.pending.find(({ nonce }) => nonce === before.nonce);
  const unapplied = target ? react(work, target, reactionTo(event), cell) : undefined;
  if (event.type === 'session.ended') endSession(work, true);
  return isReaction ? unapplied : undefined;
}

/** The pending decision an event reacts to, or why there is none although it names one. */
function targetOf(work: FoldWork, event: InboundEvent): PendingDecision | string | undefined {
  const { state, ctx } = work;
  const { decisionId } = event.data;
  if (decisionId === undefined) return isReactionType(event.type) ? undefined : latestThatWants(work, event);
  const parsed = parseDecisionId(decisionId);
  if (parsed === undefined) return 'decision-malformed';
  // Already passed on to where it belongs.
  if (parsed.kind === 'anon' && ctx.address.kind === 'user') return undefined;
  if (parsed.kind !== ctx.address.kind || parsed.token !== ctx.address.token) return 'decision-of-another';
  const pending = state.pending.find(({ nonce }) => nonce === parsed.nonce);
  if (pending === undefined) return findByNonce(state.recent, parsed.nonce) === undefined ? 'decision-unknown' : 'late';
  return pending;
}

/** An outcome without a decision (a trip) is credited to the latest decision whose surface has a reward for it. */
function latestThatWants(work: FoldWork, event: InboundEvent): PendingDecision | undefined {
  const { pending } = work.state;
  for (let i = pending.length - 1; i >= 0; i--) {
    const one = pending[i]!;
    if (one.windowEndsMs <= work.ctx.atMs) continue;
    if (signalOf(event, rewardSettingsFor(work.ctx, one.surface)) !== undefined) return one;
  }
  return undefined;
}

function reactionTo(event: InboundEvent): Reaction {
  const { candidateId, value } = event.data;
  return {
    type: event.type,
    ...(candidateId === undefined ? {} : { candidateId }),
    ...(value === undefined ? {} : { value }),
  };
}

/**
 * The reaction with the item it is about: the one it names, or where zones are shown the one it happened in. Undefined
 * where a reaction names what was not in the slate.
 */
function locate({ candidateId, ...rest }: Reaction, slate: PendingDetail['slate'], cell: string | undefined) {
  const item = candidateId ?? cell;
  if (item !== undefined && slate.some(({ id }) => id === item)) return { ...rest, candidateId: item };
  return candidateId !== undefined && isReactionType(rest.type) ? undefined : rest;
}

/** Joins a reaction to its decision: reward, impression, and the confirmation of a hold. */
function react(work: FoldWork, pending: PendingDecision, given: Reaction, cell: string | undefined): Unapplied {
  const { ctx } = work;
  const detail = detailOf(pending);
  const before = reactionsOf(pending);
  const reaction = locate(given, detail.slate, cell);
  if (reaction === undefined) return { outcome: 'rejected', reason: 'candidate-not-in-slate' };
  const late = pending.windowEndsMs <= ctx.atMs;
  let after = before;
  if (!late && !detail.withdrawn) {
    after = addReaction(before, detail, reaction, rewardSettingsFor(ctx, pending.surface));
  }
  const hold = pending.holdsEndMs > ctx.atMs ? holdTaken(detail, reaction, before.confirmed) : undefined;
  if (hold !== undefined) {
    after = { ...after, confirmed: [...after.confirmed, hold.candidateId] };
    const decisionId = decisionIdOf(pending.nonce, ctx.address.kind, ctx.address.token);
    ledger(work, { op: 'confirm', campaign: hold.campaign, amountCents: hold.amountCents, decisionId });
  }
  if (after === before) return ignored(late ? 'late' : 'withdrawn');

  const settled = detail.holds.length > 0 && detail.holds.length === after.confirmed.length;
  const changed: PendingDecision = {
    ...pending,
    reactions: JSON.stringify(after),
    holdsEndMs: settled ? 0 : pending.holdsEndMs,
  };
  work.state = { ...work.state, pending: work.state.pending.map((one) => (one === pending ? changed : one)) };
  if (detail.impression && after.shown && !before.shown) {
    work.state = addFatigue(work.state, detail.fatigueCost, ctx.atMs, ctx.settings.user.fatigue);
  }
  settle(work, ctx.atMs);
  return undefined;
}

/** The hold that an accept redeems. */
function holdTaken(detail: PendingDetail, reaction: Reaction, confirmed: readonly string[]): Hold | undefined {
  if (reaction.type !== 'accept') return undefined;
  const item = reaction.candidateId ?? detail.slate[0]?.id;
  return detail.holds.find(({ candidateId }) => candidateId === item && !confirmed.includes(candidateId));
}

function count(state: UserState, event: InboundEvent): UserState {
  const events = state.events + 1;
  const value = event.data.value;
  switch (event.type) {
    case 'impression':
      return { ...state, events, impressions: state.impressions + 1 };
    case 'click':
      return { ...state, events, clicks: state.clicks + 1 };
    case 'accept':
      return { ...state, events, accepts: state.accepts + 1 };
    case 'skip':
      return { ...state, events, skips: state.skips + 1 };
    case 'trip.completed':
      return { ...state, events, trips: state.trips + 1 };
    case 'rating':
      return value === undefined
        ? { ...state, events }
        : { ...state, events, ratings: state.ratings + 1, ratingSum: state.ratingSum + value };
    case 'dwell':
      return { ...state, events, dwellSeconds: state.dwellSeconds + Math.max(0, value ?? 0) };
    default:
      return { ...state, events };
  }
}
