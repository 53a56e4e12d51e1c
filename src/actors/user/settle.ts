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
  if (now.windowEndsMs > 0 && now.windowEndsMs <= atMs) now = { ...now, windowEndsMs: 0 };
  if (now.capsEndMs > 0 && now.capsEndMs <= atMs) now = releaseUnseen(work, now);
  if (now.windowEndsMs === 0 && !now.emitted && now.next !== NEXT_AWAITED) now = emit(work, now, atMs, false);
  return isOver(now) ? undefined : now;
}

/** Nothing is awaited of it any more. */
const isOver = ({ emitted, holdsEndMs, capsEndMs }: PendingDecision): boolean =>
  emitted && holdsEndMs === 0 && capsEndMs === 0;

/**
 * Closes the oldest decisions before their windows have passed, until no more than `pendingMax` await anything but the
 * end of their offers. Holds stay as long as they were promised: the app may show the offer until its validUntil. Caps
 * count as long, and longer where there is no room to remember that nobody has seen it: what is not known to be unseen
 * keeps its cap.
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
    if (!isOver(now)) kept.push(now);
  }
  const isUnseen = ({ emitted, holdsEndMs, capsEndMs }: PendingDecision): boolean =>
    emitted && holdsEndMs === 0 && capsEndMs > 0;
  let forgotten = kept.reduce((count, one) => count + (isUnseen(one) ? 1 : 0), -pendingMax);
  work.state = { ...work.state, pending: kept.filter((one) => !(isUnseen(one) && forgotten-- > 0)) };
}

function closeEarly(work: FoldWork, pending: PendingDecision, atMs: number): PendingDecision {
  const early = pending.windowEndsMs > 0;
  const closed = { ...pending, windowEndsMs: 0, capsEndMs: pending.capsEndMs > 0 ? pending.offerEndsMs : 0 };
  const judged = closed.capsEndMs > 0 && closed.capsEndMs <= atMs ? releaseUnseen(work, closed) : closed;
  return emit(work, judged, atMs, early);
}

function emit(work: FoldWork, pending: PendingDecision, atMs: number, early: boolean): PendingDecision {
  const { address } = work.ctx;
  const settings = rewardSettingsFor(work.ctx, pending.surface);
  const decisionId = decisionIdOf(pending.nonce, address.kind, address.token);
  const body = experienceOf(pending, { decisionId, closedAtMs: atMs, early, settings });
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

/** A decision that was never shown while it could be does not count against caps. */
function releaseUnseen(work: FoldWork, pending: PendingDecision): PendingDecision {
  const detail = detailOf(pending);
  if (!isShown(detail, reactionsOf(pending))) {
    const counted = { purpose: pending.purpose, atMs: detail.capAtMs };
    work.state = { ...work.state, caps: releaseCaps(work.state.caps, detail.capKeys, counted) };
  }
  return { ...pending, capsEndMs: 0 };
}
