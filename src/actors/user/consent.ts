/** Consent by purpose. A change holds from the record that folds it. */
import { purposesOf } from '../../messages/consent.js';
import { PURPOSES_MAX, type ConsentType, type InboundEvent } from '../../messages/events.js';
import { grantedPurposes, isGranted, withdrawnMsOf, withGrant, withWithdrawal } from './consent-table.js';
import type { ConsentTable } from './consent-table.js';
import { isSaidBefore, leaveDuty } from './duty.js';
import { ignored, rejected, type FoldWork, type Unapplied } from './fold-work.js';
import { withdrawPending } from './pending.js';
import { endSession } from './session.js';
import { settle } from './settle.js';
import { emptied, SLICES } from './slices.js';
import { internPurposes, type UserState } from './state.js';
import { nextMode } from './user.machine.js';

/**
 * How far a sender's clock may be behind. A withdrawal that says a time no older than this counts from its fold, so that a
 * slow clock never loses one to a grant before it; a grant right after it may be lost to such a withdrawal instead.
 */
export const CONSENT_SKEW_MS = 5 * 60_000;

export const hasConsent = (state: UserState, purpose: string): boolean => isGranted(state.consent, purpose);

/** Folds a change of consent, whatever order changes come in. */
export function foldConsent(work: FoldWork, type: ConsentType, event: InboundEvent): Unapplied {
  const foldedMs = event.firstFoldedMs ?? work.ctx.atMs;
  const saidMs = event.saidMs ?? foldedMs;
  const purposes = purposesOf(type, event.data.purposes);
  if (type === 'consent.granted' && purposes !== 'all') return grantConsent(work, purposes, saidMs, foldedMs);
  withdrawConsent(work, purposes, saidMs >= foldedMs - CONSENT_SKEW_MS ? foldedMs : saidMs);
  return undefined;
}

function grantConsent(work: FoldWork, purposes: readonly string[], saidMs: number, foldedMs: number): Unapplied {
  const { pastMaxMs } = work.ctx.settings.events;
  if (saidMs < foldedMs - pastMaxMs) {
    return rejected(`EVENT_TOO_OLD: a grant that is more than ${pastMaxMs} ms old counts no more`);
  }
  const { consent } = work.state;
  const atMs = Math.min(saidMs, foldedMs);
  const after = withGrant(consent, purposes, atMs);
  if (after === undefined) {
    return rejected(`CONSENT_PURPOSES_TOO_MANY: a subject may consent to ${PURPOSES_MAX} purposes`);
  }
  if (after === consent) {
    return ignored(
      purposes.every((purpose) => isGranted(after, purpose)) ? 'consent-known' : 'consent-withdrawn-since',
    );
  }
  take(work, after);
  return undefined;
}

/**
 * With each purpose that is consented to no more goes what is kept for it, and the decisions that were made for it are closed; only what holds of theirs
 * need stays. With the last one the session ends, and no profile is read or written until consent is given again.
 */
function withdrawConsent(work: FoldWork, purposes: readonly string[] | 'all', atMs: number): void {
  const before = work.state.consent;
  const after = withWithdrawal(before, purposes, atMs);
  // What a later grant has overridden already takes nothing away, as if the grant had come after it.
  const isGone = (purpose: string): boolean =>
    !isGranted(after, purpose) && withdrawnMsOf(after, purpose) > withdrawnMsOf(before, purpose);
  const none = grantedPurposes(after).length === 0;
  if (isGone(SLICES.duty.purpose) || isSaidBefore(work.state, after)) leaveDuty(work);
  const pending = work.state.pending.map((one) => (isGone(one.purpose) ? withdrawPending(one) : one));
  work.state = { ...work.state, pending };
  if (none) endSession(work, 'withdrawn');
  work.state = emptied(work.state, isGone, none);
  take(work, after);
  settle(work, work.ctx.atMs);
}

/** Takes the table over, and with it the mode. */
function take(work: FoldWork, consent: ConsentTable): void {
  const { state } = work;
  const purposes = grantedPurposes(consent);
  const mode = nextMode(state.mode, purposes.length > 0 ? 'consent.granted' : 'consent.withdrawn');
  if (consent === state.consent && mode === state.mode) return;
  work.state = {
    ...state,
    consent,
    mode: purposes.length > 0 ? mode : nextMode(mode, 'fatigue.recovered'),
    purposes: internPurposes(purposes),
    consentSequence: work.ctx.sequence,
  };
}
