/** Sessions: opened by the first activity, closed by the app or by idleness. */
import { nextFrequency } from './features.js';
import { episodeSettingsFor, follow, type FoldWork } from './fold-work.js';
import { settle } from './settle.js';
import { mayWrite } from './slices.js';
import { NONE } from './state.js';
import { nextMode } from './user.machine.js';

/** Activity at the fold's time: opens a session, or another one where the app's id changed or the last went idle. */
export function touch(work: FoldWork, sessionId: string | undefined): void {
  const { atMs, settings } = work.ctx;
  const { sessionIdleMs } = settings.user;
  const { state } = work;
  if (state.mode.session === 'active') {
    const idle = atMs - state.lastMs >= sessionIdleMs;
    const other = sessionId !== undefined && state.sessionId !== '' && sessionId !== state.sessionId;
    if (idle || other) endSession(work, 'timeout');
  }
  const activity = mayWrite(work, 'activity')
    ? { frequency: nextFrequency(work.state, atMs), seenMs: atMs }
    : undefined;
  if (work.state.mode.session === 'active') {
    work.state = { ...work.state, ...activity, lastMs: atMs, sessionId: sessionId ?? work.state.sessionId };
    return;
  }
  work.state = {
    ...work.state,
    ...activity,
    mode: nextMode(work.state.mode, 'session.started'),
    sessionId: sessionId ?? '',
    sessionStartMs: atMs,
    sessionCheckMs: atMs + sessionIdleMs,
    lastMs: atMs,
  };
}

/**
 * `timeout`: it went idle, or gave way to another one; `ended`: the app said so; `withdrawn`: with the consent. An
 * event that ends episodes by their own rules has done so before.
 */
export function endSession(work: FoldWork, cause: 'timeout' | 'ended' | 'withdrawn'): void {
  if (work.state.mode.session !== 'active') return;
  work.state = {
    ...work.state,
    mode: nextMode(work.state.mode, 'session.ended'),
    sessionId: '',
    sessionCheckMs: 0,
    episodes: NONE,
  };
  follow(work, (surface) => ({
    next: null,
    ending: cause === 'timeout' ? episodeSettingsFor(work.ctx, surface).timeout : 'truncated',
  }));
  settle(work, work.ctx.atMs);
}

/** Looks whether an open session has gone idle. Activity does not move the timer: it is set anew when it fires early. */
export function checkSession(work: FoldWork, atMs: number): void {
  const { sessionCheckMs, lastMs } = work.state;
  if (sessionCheckMs === 0 || sessionCheckMs > atMs) return;
  const idleAtMs = lastMs + work.ctx.settings.user.sessionIdleMs;
  if (idleAtMs <= atMs) endSession(work, 'timeout');
  else work.state = { ...work.state, sessionCheckMs: idleAtMs };
}
