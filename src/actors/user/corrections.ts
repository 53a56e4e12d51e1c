/**
 * Late signals: what comes after a decision's window, but within its surface's `correctionMs`, corrects the experience
 * that said otherwise. Bounded: `correctableMax` closed decisions a subject, and nothing without consent.
 */
import type { Corrected, Experience } from '../../messages/decisions.js';
import { decisionIdOf } from '../../messages/tokens.js';
import { rewardSettingsFor, type FoldWork } from './fold-work.js';
import { detailOf, experienceOf, reactionsOf, type Reactions } from './pending.js';
import { addReaction, correctableForMs, type Reaction } from './reward.js';
import { NONE, type ClosedDecision, type PendingDecision } from './state.js';

/** Until when a signal may correct a decision; 0 where its surface corrects nothing. */
export function correctableUntilMs(work: FoldWork, { surface, openedAtMs }: PendingDecision | ClosedDecision): number {
  const settings = rewardSettingsFor(work.ctx, surface);
  return (settings.correctionMs ?? 0) === 0 ? 0 : openedAtMs + correctableForMs(settings);
}

/** Keeps a decision whose experience has just been emitted, and corrects it at once by what came while it waited. */
export function keepCorrectable(work: FoldWork, pending: PendingDecision, experience: Experience, atMs: number): void {
  const untilMs = correctableUntilMs(work, pending);
  const { correctableMax } = work.ctx.settings.user;
  if (untilMs <= atMs || correctableMax === 0 || experience.ending === 'withdrawn') return;
  const { nonce, surface, purpose, openedAtMs, detail, reactions, next } = pending;
  const { status, reward, rewardedId, credits } = experience;
  const said = JSON.stringify({ status, reward, rewardedId, credits });
  const closed: ClosedDecision = { nonce, surface, purpose, openedAtMs, untilMs, detail, reactions, next, said };
  work.state = { ...work.state, closed: [...work.state.closed, closed].slice(-correctableMax) };
  if (pending.late !== '') correct(work, closed, pending.late, atMs);
}

/** The closed decision of that nonce, while it can be corrected. */
export const findCorrectable = (work: FoldWork, nonce: string): ClosedDecision | undefined =>
  work.state.closed.find((one) => one.nonce === nonce && one.untilMs > work.ctx.atMs);

/** What a reaction makes of a closed decision; false where it changes nothing that was said. */
export function creditClosed(work: FoldWork, closed: ClosedDecision, reaction: Reaction): boolean {
  const { atMs } = work.ctx;
  const settings = rewardSettingsFor(work.ctx, closed.surface);
  const age = atMs - closed.openedAtMs;
  const after: Reactions = addReaction(reactionsOf(closed), detailOf(closed), reaction, settings, age);
  return correct(work, closed, JSON.stringify(after), atMs);
}

/** Forgets what nothing corrects any more. */
export function dropExpired(work: FoldWork, atMs: number): void {
  const { closed } = work.state;
  if (!closed.some(({ untilMs }) => untilMs <= atMs)) return;
  const kept = closed.filter(({ untilMs }) => untilMs > atMs);
  work.state = { ...work.state, closed: kept.length === 0 ? NONE : kept };
}

/** When the last closed decision may be forgotten; 0 for none. One look for all: each would cost a journal record. */
export const forgetDueMs = (closed: readonly ClosedDecision[]): number =>
  closed.reduce((latest, { untilMs }) => Math.max(latest, untilMs), 0);

function correct(work: FoldWork, closed: ClosedDecision, reactions: string, atMs: number): boolean {
  const { address } = work.ctx;
  const settings = rewardSettingsFor(work.ctx, closed.surface);
  const decisionId = decisionIdOf(closed.nonce, address.kind, address.token);
  const corrects = JSON.parse(closed.said) as Corrected;
  const now = { ...closed, reactions };
  const body = experienceOf(now, { decisionId, closedAtMs: atMs, early: false, settings, corrects });
  const { status } = corrects;
  const { reward, rewardedId, credits } = body;
  const said = JSON.stringify({ status, reward, rewardedId, credits });
  const changes = said !== closed.said;
  const kept: ClosedDecision = { ...now, said };
  work.state = { ...work.state, closed: work.state.closed.map((one) => (one === closed ? kept : one)) };
  if (changes) work.effects.push({ to: 'experience', surface: closed.surface, body });
  return changes;
}
