/** The inside of one fold: a state that is replaced, never changed, and the effects gathered on the way. */
import type { CampaignLedger, LedgerOp } from '../../messages/campaigns.js';
import type { RewardSettings } from '../../messages/settings.js';
import { decisionIdOf } from '../../messages/tokens.js';
import type { Effect, FoldContext } from '../host/actor-kind.js';
import { detailOf, experienceOf, isShown, NEXT_AWAITED, reactionsOf, type NextStep } from './pending.js';
import { releaseCaps } from './caps.js';
import { DEFAULT_REWARD } from './reward.js';
import { NONE, type PendingDecision, type UserState } from './state.js';

export interface FoldWork {
  state: UserState;
  readonly ctx: FoldContext<CampaignLedger>;
  readonly effects: Effect[];
}

export const rewardSettingsFor = (ctx: FoldContext<CampaignLedger>, surface: string): RewardSettings =>
  (Object.hasOwn(ctx.settings.rewards, surface) ? ctx.settings.rewards[surface] : undefined) ?? DEFAULT_REWARD;

export function ledger(work: FoldWork, op: LedgerOp): void {
  work.effects.push({ to: 'shared', op });
}

/** Does what is due at `atMs`: returns holds, closes windows, emits experience that waits for nothing more. */
export function settle(work: FoldWork, atMs: number): void {
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

/** Closes a decision before its window has passed. */
export function closeEarly(work: FoldWork, pending: PendingDecision, atMs: number): void {
  if (pending.holdsEndMs > 0) returnHolds(work, pending);
  if (pending.windowEndsMs > 0) releaseUnseen(work, pending);
  if (!pending.emitted) emit(work, pending, atMs, pending.windowEndsMs > 0);
}

/** Says what followed, to every decision that waits to know (of one surface, if named). */
export function follow(work: FoldWork, step: NextStep, surface?: string): void {
  const { pending } = work.state;
  const waits = (one: PendingDecision): boolean =>
    one.next === NEXT_AWAITED && (surface === undefined || one.surface === surface);
  if (!pending.some(waits)) return;
  const next = JSON.stringify(step);
  work.state = { ...work.state, pending: pending.map((one) => (waits(one) ? { ...one, next } : one)) };
}

function emit(work: FoldWork, pending: PendingDecision, atMs: number, early: boolean): PendingDecision {
  const { address } = work.ctx;
  const { min, max } = rewardSettingsFor(work.ctx, pending.surface);
  const decisionId = decisionIdOf(pending.nonce, address.kind, address.token);
  const body = experienceOf(pending, { decisionId, closedAtMs: atMs, early, min, max });
  work.effects.push({ to: 'experience', surface: pending.surface, body });
  return { ...pending, emitted: true };
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
