/** The pure fold of `user` and `anon` actors. */
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { DecisionBody } from '../../messages/decisions.js';
import type { ActorRecord, Effect, FoldContext, Folded } from '../host/actor-kind.js';
import { forgetDueMs } from './corrections.js';
import { checkDuty } from './duty.js';
import { recover } from './fatigue.js';
import { foldDecision, refusalOf } from './fold-decision.js';
import {
  foldAnonymousEvent,
  foldForwarded,
  foldUserEvent,
  REACTION_OUTPUT,
  type ForwardedReaction,
} from './fold-event.js';
import type { FoldWork, Unapplied } from './fold-work.js';
import { checkSession } from './session.js';
import { settle } from './settle.js';
import { createUserState, NONE, type UserState } from './state.js';

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

/** Folds one record. Never changes `state`; a record that makes no sense is `rejected`. */
export function foldUser(state: UserState, record: ActorRecord, ctx: FoldContext<CampaignLedger>): Folded<UserState> {
  const work: FoldWork = { state, ctx, effects: [] };
  const anonymous = ctx.address.kind === 'anon';
  switch (record.type) {
    case 'event': {
      const { event } = record;
      return finish(work, state, anonymous ? foldAnonymousEvent(work, event) : foldUserEvent(work, event));
    }
    case 'decision': {
      const body = record.body as DecisionBody;
      const reason = refusalOf(state, body, ctx);
      if (reason !== undefined) return refused(state, body, reason);
      foldDecision(work, body);
      return finish(work, state, undefined);
    }
    case 'timer':
      foldTimer(work, Math.max(ctx.atMs, record.dueMs), anonymous);
      return finish(work, state, undefined);
    case 'output':
      if (!anonymous || record.name !== REACTION_OUTPUT) return rejected(state, `output-unknown`);
      return finish(work, state, foldForwarded(work, record.body as ForwardedReaction));
    case 'command':
      return rejected(state, 'command-unknown');
  }
}

/**
 * Fold time at which something is due: a window, a hold, an unseen offer's caps, a silent driver's duty, the last closed decision's horizon, the look at an idle
 * session, the end of a cool-down; or 0.
 */
export function nextDueMs(state: UserState): number {
  let due = Infinity;
  for (const { windowEndsMs, holdsEndMs, capsEndMs } of state.pending) {
    if (windowEndsMs > 0 && windowEndsMs < due) due = windowEndsMs;
    if (holdsEndMs > 0 && holdsEndMs < due) due = holdsEndMs;
    if (capsEndMs > 0 && capsEndMs < due) due = capsEndMs;
  }
  const forgetMs = forgetDueMs(state.closed);
  if (forgetMs > 0 && forgetMs < due) due = forgetMs;
  if (state.sessionCheckMs > 0 && state.sessionCheckMs < due) due = state.sessionCheckMs;
  if (state.dutyCheckMs > 0 && state.dutyCheckMs < due) due = state.dutyCheckMs;
  if (state.mode.fatigue === 'cooling' && state.coolUntilMs < due) due = state.coolUntilMs;
  return due === Infinity ? 0 : due;
}

function foldTimer(work: FoldWork, atMs: number, anonymous: boolean): void {
  settle(work, atMs);
  checkSession(work, atMs);
  checkDuty(work, atMs);
  work.state = recover(work.state, atMs);
  // What an anonymous actor knows lasts a session, and as long as its last decision awaits an answer.
  if (anonymous && work.state.mode.session === 'away') {
    const { pending, closed } = work.state;
    const known = pending.length > 0 || closed.length > 0;
    work.state = known ? { ...work.state, caps: NONE } : createUserState();
  }
}

function finish(work: FoldWork, before: UserState, unapplied: Unapplied): Folded<UserState> {
  if (unapplied !== undefined) return { state: before, ...unapplied, effects: NO_EFFECTS };
  return { state: work.state, outcome: 'applied', effects: work.effects };
}

const rejected = (state: UserState, reason: string): Folded<UserState> => ({
  state,
  outcome: 'rejected',
  reason,
  effects: NO_EFFECTS,
});

/** The experience stream is told, so that the decision's fact is taken back there. */
function refused(state: UserState, body: DecisionBody, reason: string): Folded<UserState> {
  const taken = { decisionId: body.id, status: 'refused', reason };
  return {
    state,
    outcome: 'refused',
    reason,
    effects: [{ to: 'experience', surface: body.surface, body: taken }],
  };
}
