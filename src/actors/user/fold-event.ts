/** Folds feedback: consent, sessions, counters, places, and reactions to decisions. */
import { canonicalCell } from '../../messages/cells.js';
import type { Hold } from '../../messages/decisions.js';
import {
  CONSENT_TYPES,
  isAboutConsent,
  isConsentType,
  isReactionType,
  type InboundEvent,
} from '../../messages/events.js';
import { decisionIdOf, parseDecisionId } from '../../messages/tokens.js';
import { addFatigue } from './fatigue.js';
import { withZone } from './features.js';
import { foldConsent } from './consent.js';
import { correctableUntilMs, creditClosed, findCorrectable } from './corrections.js';
import { foldDuty } from './duty.js';
import { endEpisodes } from './episodes.js';
import { ignored, ledger, rejected, rewardSettingsFor, type FoldWork, type Unapplied } from './fold-work.js';
import { detailOf, reactionsOf, type PendingDetail } from './pending.js';
import { addReaction, worthOf, type Reaction } from './reward.js';
import { findByNonce } from './recent-decisions.js';
import { endSession, touch } from './session.js';
import { settle } from './settle.js';
import { mayWrite } from './slices.js';
import type { ClosedDecision, PendingDecision, UserState } from './state.js';
import { cellOfEvent, tellPickup } from './zone-effects.js';

const CONSENT_TYPE_UNKNOWN = `CONSENT_TYPE_UNKNOWN: consent changes by ${CONSENT_TYPES.join(' and ')} alone`;
const CONSENT_OF_NOBODY = 'CONSENT_TYPE_UNKNOWN: consent is a subject’s, not that of an anonymous stand-in';

/** Longer kinds are nothing that a surface could name. */
const KIND_LENGTH_MAX = 64;

/** Name of the output that carries a reaction to the anonymous actor that holds its decision. */
export const REACTION_OUTPUT = 'reaction';

/** Body of that output. */
export interface ForwardedReaction extends Reaction {
  readonly nonce: string;
}

export function foldUserEvent(work: FoldWork, event: InboundEvent): Unapplied {
  if (isConsentType(event.type)) return foldConsent(work, event.type, event);
  if (isAboutConsent(event.type)) return rejected(CONSENT_TYPE_UNKNOWN);
  forwardToAnonymous(work, event);
  const cell = cellOfEvent(work, event);
  if (work.state.mode.consent !== 'granted') return foldWithoutConsent(work, event, cell);
  return foldProfile(work, event, cell);
}

/** An anonymous actor's event: nothing of it is kept but the reaction. */
export function foldAnonymousEvent(work: FoldWork, event: InboundEvent): Unapplied {
  if (isAboutConsent(event.type)) return rejected(CONSENT_OF_NOBODY);
  const target = targetOf(work, event);
  if (typeof target === 'string') return ignored(target);
  return target === undefined ? ignored('no-decision') : reactAnonymously(work, target, reactionTo(event));
}

/** A reaction that a subject's own actor has passed on. */
export function foldForwarded(work: FoldWork, { nonce, ...reaction }: ForwardedReaction): Unapplied {
  const target = findTarget(work, nonce);
  if (target !== undefined) return reactAnonymously(work, target, reaction);
  return ignored(findByNonce(work.state.recent, nonce) === undefined ? 'decision-unknown' : 'late');
}

function reactAnonymously(work: FoldWork, target: Target, reaction: Reaction): Unapplied {
  const unapplied = react(work, target, reaction, undefined);
  if (unapplied === undefined) endEpisodes(work, reaction.type, target.surface);
  return unapplied;
}

function forwardToAnonymous(work: FoldWork, event: InboundEvent): void {
  const { decisionId } = event.data;
  const parsed = decisionId === undefined ? undefined : parseDecisionId(decisionId);
  if (parsed?.kind !== 'anon') return;
  const body: ForwardedReaction = { nonce: parsed.nonce, ...reactionTo(event) };
  work.effects.push({ to: 'actor', address: { kind: 'anon', token: parsed.token }, name: REACTION_OUTPUT, body });
}

/** No profile is written; zones are told of pickups, and an offer made before the withdrawal can still be taken. */
function foldWithoutConsent(work: FoldWork, event: InboundEvent, cell: string | undefined): Unapplied {
  tellPickup(work, event, cell);
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
  tellPickup(work, event, cell);
  foldDuty(work, event, cell);
  if (mayWrite(work, 'counters')) work.state = count(work.state, event);
  if (mayWrite(work, 'trips') && event.type === 'trip.completed') work.state = oneTripMore(work.state);
  if (mayWrite(work, 'places') && cell !== undefined) work.state = wentTo(work, cell);
  // Opening another session may have settled the decision that the event reacts to.
  const target = typeof before === 'object' ? findTarget(work, before.nonce) : undefined;
  const unapplied = target ? react(work, target, reactionTo(event), cell) : undefined;
  if (isReaction && unapplied !== undefined) return unapplied;
  const named = event.data.decisionId === undefined || typeof before !== 'object' ? undefined : before.surface;
  endEpisodes(work, event.type, named);
  if (event.type === 'session.ended') endSession(work, 'ended');
  return undefined;
}

/** A decision that an event can still do something to. */
type Target = PendingDecision | ClosedDecision;

const isPending = (target: Target): target is PendingDecision => 'emitted' in target;

const findTarget = (work: FoldWork, nonce: string): Target | undefined =>
  work.state.pending.find((one) => one.nonce === nonce) ?? findCorrectable(work, nonce);

/** The decision an event reacts to, or why there is none although it names one. */
function targetOf(work: FoldWork, event: InboundEvent): Target | string | undefined {
  const { state, ctx } = work;
  const { decisionId } = event.data;
  if (decisionId === undefined) return isReactionType(event.type) ? undefined : latestThatWants(work, event);
  const parsed = parseDecisionId(decisionId);
  if (parsed === undefined) return 'decision-malformed';
  // Already passed on to where it belongs.
  if (parsed.kind === 'anon' && ctx.address.kind === 'user') return undefined;
  if (parsed.kind !== ctx.address.kind || parsed.token !== ctx.address.token) return 'decision-of-another';
  const known = findTarget(work, parsed.nonce);
  if (known === undefined) return findByNonce(state.recent, parsed.nonce) === undefined ? 'decision-unknown' : 'late';
  return known;
}

/**
 * An outcome without a decision (a trip) is credited to the latest decision whose surface has a reward for it: of those
 * whose window is open or, where there is none, of those it can correct.
 */
function latestThatWants(work: FoldWork, event: InboundEvent): Target | undefined {
  const { pending, closed } = work.state;
  const reaction = reactionTo(event);
  const wants = (one: Target): boolean =>
    worthOf(reaction, rewardSettingsFor(work.ctx, one.surface), work.ctx.atMs - one.openedAtMs) !== undefined;
  const open = pending.findLast((one) => one.windowEndsMs > work.ctx.atMs && wants(one));
  if (open !== undefined) return open;
  let latest: Target | undefined;
  for (const one of [...closed, ...pending]) {
    const correctable = isPending(one) ? !one.emitted && correctableUntilMs(work, one) : one.untilMs;
    if (correctable === false || correctable <= work.ctx.atMs || !wants(one)) continue;
    if (latest === undefined || one.openedAtMs >= latest.openedAtMs) latest = one;
  }
  return latest;
}

function reactionTo({ type, data }: InboundEvent): Reaction {
  const { candidateId, value, kind } = data;
  return {
    type,
    ...(candidateId === undefined ? {} : { candidateId }),
    ...(value === undefined ? {} : { value }),
    ...(typeof kind === 'string' && kind.length <= KIND_LENGTH_MAX ? { kind } : {}),
  };
}

/**
 * The reaction with the item it is about: the one it names, or where zones are shown the one it happened in. Undefined
 * where a reaction names what was not in the slate.
 */
function locate({ candidateId, ...rest }: Reaction, slate: PendingDetail['slate'], cell: string | undefined) {
  const item = candidateId ?? cell;
  // A zone may be named in another spelling of its cell than the slate has.
  const spelled = item === undefined || slate.some(({ id }) => id === item) ? item : canonicalCell(item);
  if (spelled !== undefined && slate.some(({ id }) => id === spelled)) return { ...rest, candidateId: spelled };
  return candidateId !== undefined && isReactionType(rest.type) ? undefined : rest;
}

/** Joins a reaction to its decision: reward, impression, correction, and the confirmation of a hold. */
function react(work: FoldWork, target: Target, given: Reaction, cell: string | undefined): Unapplied {
  const { ctx } = work;
  const detail = detailOf(target);
  const reaction = locate(given, detail.slate, cell);
  if (reaction === undefined) return { outcome: 'rejected', reason: 'candidate-not-in-slate' };
  if (!isPending(target)) return creditClosed(work, target, reaction) ? undefined : ignored('late');
  const before = reactionsOf(target);
  const closed = target.windowEndsMs <= ctx.atMs;
  let after = before;
  if (!closed && !detail.withdrawn) {
    const age = ctx.atMs - target.openedAtMs;
    after = addReaction(before, detail, reaction, rewardSettingsFor(ctx, target.surface), age);
  }
  const hold = target.holdsEndMs > ctx.atMs ? holdTaken(detail, reaction, before.confirmed) : undefined;
  if (hold !== undefined) {
    after = { ...after, confirmed: [...after.confirmed, hold.candidateId] };
    const decisionId = decisionIdOf(target.nonce, ctx.address.kind, ctx.address.token);
    ledger(work, { op: 'confirm', campaign: hold.campaign, amountCents: hold.amountCents, decisionId });
  }
  const late = closed && !detail.withdrawn ? lateReactions(work, target, detail, reaction) : undefined;
  const credited = late !== undefined || (closed && creditIfClosed(work, target.nonce, reaction));
  // What was closed before its offer ended can still be seen: then its caps count for good.
  const seen = closed && target.capsEndMs > 0 && isReactionType(reaction.type) && !before.shown;
  if (seen) after = { ...after, shown: true };
  if (after === before && !credited) return ignored(closed ? 'late' : 'withdrawn');

  const settled = detail.holds.length > 0 && detail.holds.length === after.confirmed.length;
  const changed: PendingDecision = {
    ...target,
    reactions: after === before ? target.reactions : JSON.stringify(after),
    holdsEndMs: settled ? 0 : target.holdsEndMs,
    capsEndMs: after.shown ? 0 : target.capsEndMs,
    late: late ?? target.late,
  };
  work.state = { ...work.state, pending: work.state.pending.map((one) => (one === target ? changed : one)) };
  if (detail.impression && after.shown && !before.shown && mayWrite(work, 'fatigue')) {
    work.state = addFatigue(work.state, detail.fatigueCost, ctx.atMs, ctx.settings.user.fatigue);
  }
  settle(work, ctx.atMs);
  return undefined;
}

/** What a decision whose experience still waits for its next state will be corrected by; undefined for nothing. */
function lateReactions(work: FoldWork, pending: PendingDecision, detail: PendingDetail, reaction: Reaction) {
  const { atMs } = work.ctx;
  if (pending.emitted || correctableUntilMs(work, pending) <= atMs) return undefined;
  const soFar = reactionsOf(pending.late === '' ? pending : { reactions: pending.late });
  const settings = rewardSettingsFor(work.ctx, pending.surface);
  if (worthOf(reaction, settings, atMs - pending.openedAtMs) === undefined) return undefined;
  return JSON.stringify(addReaction(soFar, detail, reaction, settings, atMs - pending.openedAtMs));
}

/** Of a decision that only its holds keep pending. */
function creditIfClosed(work: FoldWork, nonce: string, reaction: Reaction): boolean {
  const closed = findCorrectable(work, nonce);
  return closed !== undefined && creditClosed(work, closed, reaction);
}

/** The hold that an accept redeems. */
function holdTaken(detail: PendingDetail, reaction: Reaction, confirmed: readonly string[]): Hold | undefined {
  if (reaction.type !== 'accept') return undefined;
  const item = reaction.candidateId ?? detail.slate[0]?.id;
  return detail.holds.find(({ candidateId }) => candidateId === item && !confirmed.includes(candidateId));
}

const oneTripMore = (state: UserState): UserState => ({ ...state, trips: state.trips + 1 });

function wentTo({ state, ctx }: FoldWork, cell: string): UserState {
  return { ...state, zones: withZone(state.zones, cell, ctx.settings.user.recentZonesMax) };
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
