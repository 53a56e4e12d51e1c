/** The inside of one fold: a state that is replaced, never changed, and the effects gathered on the way. */
import type { CampaignLedger, LedgerOp } from '../../messages/campaigns.js';
import { DEFAULT_EPISODE } from '../../messages/rewards.js';
import type { EpisodeSettings, RewardSettings } from '../../messages/settings.js';
import type { Effect, FoldContext } from '../host/actor-kind.js';
import { NEXT_AWAITED, type NextStep } from './pending.js';
import { DEFAULT_REWARD } from './reward.js';
import type { UserState } from './state.js';

export interface FoldWork {
  state: UserState;
  readonly ctx: FoldContext<CampaignLedger>;
  readonly effects: Effect[];
}

/** What became of a record that changed nothing; `undefined` means that it was applied. */
export type Unapplied = { readonly outcome: 'ignored' | 'rejected'; readonly reason: string } | undefined;

export const ignored = (reason: string): Unapplied => ({ outcome: 'ignored', reason });
export const rejected = (reason: string): Unapplied => ({ outcome: 'rejected', reason });

export const rewardSettingsFor = (ctx: FoldContext<CampaignLedger>, surface: string): RewardSettings =>
  (Object.hasOwn(ctx.settings.rewards, surface) ? ctx.settings.rewards[surface] : undefined) ?? DEFAULT_REWARD;

export const episodeSettingsFor = (ctx: FoldContext<CampaignLedger>, surface: string): EpisodeSettings =>
  (Object.hasOwn(ctx.settings.episodes, surface) ? ctx.settings.episodes[surface] : undefined) ?? DEFAULT_EPISODE;

export function ledger(work: FoldWork, op: LedgerOp): void {
  work.effects.push({ to: 'shared', op });
}

/** Tells the decisions that wait for it what followed on their surface, where `stepOn` knows; true if one heard. */
export function follow(work: FoldWork, stepOn: (surface: string) => NextStep | undefined): boolean {
  const { pending } = work.state;
  if (!pending.some(({ next }) => next === NEXT_AWAITED)) return false;
  let heard = false;
  const told = pending.map((one) => {
    const step = one.next === NEXT_AWAITED ? stepOn(one.surface) : undefined;
    if (step === undefined) return one;
    heard = true;
    return { ...one, next: JSON.stringify(step) };
  });
  if (heard) work.state = { ...work.state, pending: told };
  return heard;
}
