/** Consent by purpose. A change holds from the record that folds it. */
import type { EventData } from '../../messages/events.js';
import { withdrawPending } from './pending.js';
import type { FoldWork } from './fold-work.js';
import { endSession } from './session.js';
import { settle } from './settle.js';
import { internPurposes, listOf, NONE, type UserState } from './state.js';
import { nextMode } from './user.machine.js';
import { tellOffDuty } from './zone-effects.js';

/** Purposes that one subject may have consented to. */
export const PURPOSES_MAX = 32;

export const hasConsent = (state: UserState, purpose: string): boolean =>
  state.mode.consent === 'granted' && state.purposes.includes(purpose);

/** Grants the purposes named; `personalization` where none is. */
export function grantConsent(work: FoldWork, data: EventData): void {
  const granted = data.purposes === undefined || data.purposes.length === 0 ? ['personalization'] : data.purposes;
  const purposes = [...new Set([...work.state.purposes, ...granted])].sort().slice(0, PURPOSES_MAX);
  work.state = {
    ...work.state,
    mode: nextMode(work.state.mode, 'consent.granted'),
    purposes: internPurposes(purposes),
    consentSequence: work.ctx.sequence,
  };
}

/**
 * Withdraws the purposes named, or all. With the last one gone the session ends, decisions that are still pending are
 * stripped of what is personal, and no profile is read or written until consent is given again.
 */
export function withdrawConsent(work: FoldWork, data: EventData): void {
  const { state, ctx } = work;
  const left =
    data.purposes === undefined || data.purposes.length === 0
      ? NONE
      : state.purposes.filter((purpose) => !data.purposes!.includes(purpose));
  work.state = { ...state, purposes: internPurposes(left), consentSequence: ctx.sequence };
  if (left.length > 0) return;
  if (work.state.driverZone !== '') tellOffDuty(work, work.state.driverZone);
  const pending = listOf(work.state.pending.map(withdrawPending));
  work.state = { ...work.state, driverZone: '', pending, closed: NONE };
  endSession(work, 'withdrawn');
  work.state = { ...work.state, mode: nextMode(work.state.mode, 'consent.withdrawn') };
  settle(work, ctx.atMs);
}
