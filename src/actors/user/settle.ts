/** Settles decisions: returns their holds, closes their windows, and emits their experience. */
import { decisionIdOf } from '../../messages/tokens.js';
import { releaseCaps } from './caps.js';
import { dropExpired, keepCorrectable } from './corrections.js';
import { ledger, rewardSettingsFor, type FoldWork } from './fold-work.js';
import { detailOf, experienceOf, isShown, NEXT_AWAITED, reactionsOf } from './pending.js';
import { NONE, type PendingDecision } from './state.js';

/** Does what is due at `atMs`: returns holds, closes windows, emits experience that waits for nothing more. */
export function settle(work: FoldWork, atMs: number): void {
  dropExpired(work, atMs);
  const { pending } = work.state;
  if (pending.length === 0) return;
  let changed = false;
  const kept: PendingDecision[] = [];
  for (const one of pending) {
    const settled = settleOne(work, one, atMs);
    if (settled !== one) changed = true;
    if (settled !== undefined) kept.push(settled);
  }
  if (changed) work.state = { ...work.state, pending: kept.length === 0 ? NONE : kept };
}

function settleOne(work: FoldWork, pending: PendingDecision, atMs: number): PendingDecision | undefined {
  let now = pending;
  if (now.holdsEndMs > 0 && now.holdsEndMs <= atMs) now = returnHolds(work, now);
  if (now.windowEndsMs > 0 && now.windowEndsMs <= atMs) {
    releaseUnseen(work, now);
    now = { ...now, windowEndsMs: 0 };
  }
  if (now.windowEndsMs === 0 && !now.emitted && now.next !== NEXT_AWAITED) now = emit(work, now, atMs, false);
  return now.emitted && now.holdsEndMs === 0 ? undefined : now;
}

/**
 * Closes the oldest decisions before their windows have passed, until no more than `pendingMax` await anything but the
 * end of their holds. Holds stay as long as they were promised: the app may show the offer until its validUntil.
 */
export function closeOverdue(work: FoldWork, atMs: number): void {
  const { pendingMax } = work.ctx.settings.user;
  let over = work.state.pending.reduce((count, { emitted }) => count + (emitted ? 0 : 1), -pendingMax);
  if (over <= 0) return;
  const kept: PendingDecision[] = [];
  for (const one of work.state.pending) {
    const closes = !one.emitted && over > 0;
    if (closes) over--;
    const now = closes ? closeEarly(work, one, atMs) : one;
    if (!now.emitted || now.holdsEndMs > 0) kept.push(now);
  }
  work.state = { ...work.state, pending: kept };
}

function closeEarly(work: FoldWork, pending: PendingDecision, atMs: number): PendingDecision {
  const early = pending.windowEndsMs > 0;
  if (early) releaseUnseen(work, pending);
  return emit(work, { ...pending, windowEndsMs: 0 }, atMs, early);
}

function emit(work: FoldWork, pending: PendingDecision, atMs: number, early: boolean): PendingDecision {
  const { address } = work.ctx;
  const { min, max } = rewardSettingsFor(work.ctx, pending.surface);
  const decisionId = decisionIdOf(pending.nonce, address.kind, address.token);
  const body = experienceOf(pending, { decisionId, closedAtMs: atMs, early, min, max });
  work.effects.push({ to: 'experience', surface: pending.surface, body });
  keepCorrectable(work, pending, body, atMs);
  return { ...pending, emitted: true, late: '' };
}

function returnHolds(work: FoldWork, pending: PendingDecision): PendingDecision {
  const { confirmed } = reactionsOf(pending);
  for (const { campaign, candidateId, amountCents } of detailOf(pending).holds) {
    if (!confirmed.includes(candidateId)) ledger(work, { op: 'release', campaign, amountCents });
  }
  return { ...pending, holdsEndMs: 0 };
}

/** A decision that was never shown does not count against caps. */
function releaseUnseen(work: FoldWork, pending: PendingDecision): void {
  const detail = detailOf(pending);
  if (isShown(detail, reactionsOf(pending))) return;
  work.state = { ...work.state, caps: releaseCaps(work.state.caps, detail.capKeys, detail.capAtMs) };
}
