import type { CampaignLedger } from '../../messages/campaigns.js';
import type { ActorKind } from '../host/actor-kind.js';
import type { DecisionServices } from './services.js';
import { createUserState, isVacant, reviveUserState, type UserState } from './state.js';
import { foldUser, nextDueMs } from './user.fold.js';
import { handleUser } from './user.handle.js';

/**
 * `user`: the one writer for a subject. `anon`: its stand-in where there is no consent, with the same fold and the same
 * decisions, but no profile and no longer than a session.
 */
export function userKind(kind: 'user' | 'anon'): ActorKind<UserState, CampaignLedger, DecisionServices> {
  return {
    kind,
    create: createUserState,
    fold: foldUser,
    timer: nextDueMs,
    isIdempotent: (type) => type === 'consent.granted' || type === 'consent.withdrawn',
    countsWhenever: (type) => type === 'consent.withdrawn',
    isVacant,
    revive: reviveUserState,
    handle: handleUser,
  };
}
