/** Fatigue: what decisions cost a subject's patience. It decays, and above a threshold there is a cool-down. */
import type { FoldSettings } from '../../messages/settings.js';
import { decayed } from './decay.js';
import type { UserState } from './state.js';
import { nextMode } from './user.machine.js';

type FatigueSettings = FoldSettings['user']['fatigue'];

/** Fatigue as of `nowMs`. */
export const fatigueAt = (state: UserState, nowMs: number, settings: FatigueSettings): number =>
  decayed(state.fatigue, nowMs - state.fatigueAtMs, settings.halfLifeMs);

/** In cool-down at `nowMs`, counting `pendingCost` of decisions that are not folded yet. */
export function isCooling(state: UserState, nowMs: number, pendingCost: number, settings: FatigueSettings): boolean {
  if (state.mode.fatigue === 'cooling' && nowMs < state.coolUntilMs) return true;
  return pendingCost > 0 && fatigueAt(state, nowMs, settings) + pendingCost > settings.threshold;
}

/** Adds a decision's cost; above the threshold the cool-down begins. */
export function addFatigue(state: UserState, cost: number, atMs: number, settings: FatigueSettings): UserState {
  if (cost === 0) return state;
  const fatigue = fatigueAt(state, atMs, settings) + cost;
  const exceeded = fatigue > settings.threshold;
  return {
    ...state,
    fatigue,
    fatigueAtMs: Math.max(atMs, state.fatigueAtMs),
    mode: exceeded ? nextMode(state.mode, 'fatigue.exceeded') : state.mode,
    coolUntilMs: exceeded ? atMs + settings.coolDownMs : state.coolUntilMs,
  };
}

/** Ends a cool-down that is over at `atMs`. */
export function recover(state: UserState, atMs: number): UserState {
  if (state.mode.fatigue !== 'cooling' || atMs < state.coolUntilMs) return state;
  return { ...state, mode: nextMode(state.mode, 'fatigue.recovered'), coolUntilMs: 0 };
}
