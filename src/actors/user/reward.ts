/** Joins one reaction to the decision it reacts to. */
import type { RewardSettings } from '../../messages/settings.js';
import type { PendingDetail, Reactions } from './pending.js';

/** Reactions kept by name in an experience; later ones still count for the reward. */
export const REACTION_EVENTS_MAX = 32;

/** Types that say what became of something shown; they must name its decision. */
const REACTION_TYPES: ReadonlySet<string> = new Set([
  'impression',
  'click',
  'accept',
  'skip',
  'dwell',
  'rating',
  'reaction',
  'reward',
]);

export interface Reaction {
  readonly type: string;
  readonly candidateId?: string;
  readonly value?: number;
}

/** What surfaces without a definition of their own use: only explicit rewards count. */
export const DEFAULT_REWARD: RewardSettings = Object.freeze({
  windowMs: 30 * 60_000,
  signals: {},
  combine: 'max',
  min: 0,
  max: 1,
  impression: 'assumed',
});

/** An explicit reward is worth its value, unless the surface says otherwise. */
const EXPLICIT = { value: 1, perUnit: true } as const;

/** Must the event name a decision to count for one? Outcomes of another kind (a trip) go to the latest that wants them. */
export const isReactionType = (type: string): boolean => REACTION_TYPES.has(type);

/** The number an event is worth on a surface; undefined where it is worth none. */
export function signalOf(reaction: Reaction, settings: RewardSettings): number | undefined {
  const own = Object.hasOwn(settings.signals, reaction.type) ? settings.signals[reaction.type] : undefined;
  const signal = own ?? (reaction.type === 'reward' ? EXPLICIT : undefined);
  if (signal === undefined) return undefined;
  return signal.perUnit ? signal.value * (reaction.value ?? 0) : signal.value;
}

/** The reactions with one more. Rewards combine as the surface says; the item of the deciding signal gets the credit. */
export function addReaction(
  reactions: Reactions,
  detail: PendingDetail,
  reaction: Reaction,
  settings: RewardSettings,
): Reactions {
  const signal = signalOf(reaction, settings);
  // A click proves that it was seen, whether or not the impression event made it through.
  const shown = reactions.shown || isReactionType(reaction.type);
  const events = reactions.events.length < REACTION_EVENTS_MAX ? [...reactions.events, reaction] : reactions.events;
  if (signal === undefined) return { ...reactions, shown, events };
  const item = reaction.candidateId ?? detail.slate[0]?.id ?? null;
  const { reward } = reactions;
  const decides =
    reward === null ||
    settings.combine === 'last' ||
    (settings.combine === 'max' ? signal > reward : signal > reactions.largest);
  const combined = reward === null ? signal : settings.combine === 'sum' ? reward + signal : decides ? signal : reward;
  return {
    ...reactions,
    shown,
    events,
    reward: combined,
    rewardedId: decides ? item : reactions.rewardedId,
    largest: reward === null ? signal : Math.max(reactions.largest, signal),
  };
}
