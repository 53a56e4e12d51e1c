/** Joins one reaction to the decision it reacts to. */
import { isReactionType } from '../../messages/events.js';
import { combineRewards } from '../../messages/rewards.js';
import type { RewardSettings, SignalSettings } from '../../messages/settings.js';
import type { PendingDetail, Reactions } from './pending.js';

/** Reactions kept by name in an experience; later ones still count for the reward. */
export const REACTION_EVENTS_MAX = 32;

export interface Reaction {
  readonly type: string;
  readonly candidateId?: string;
  readonly value?: number;
  /** Of what kind, such as a reaction's `like`. */
  readonly kind?: string;
}

/** What surfaces without a definition of their own use: only explicit rewards count. */
export const DEFAULT_REWARD: RewardSettings = Object.freeze({
  windowMs: 30 * 60_000,
  signals: {},
  combine: 'max',
  credit: 'item',
  min: 0,
  max: 1,
  impression: 'assumed',
});

/** An explicit reward is worth its value, unless the surface says otherwise. */
const EXPLICIT: SignalSettings = Object.freeze({ value: 1, perUnit: true });

/** The longest a signal of a surface may come after its decision: for its reward, or for a correction of it. */
export const correctableForMs = ({ windowMs, correctionMs = 0 }: RewardSettings): number => windowMs + correctionMs;

/** How the surface values a type of event; undefined where it does not. */
export function signalFor(type: string, settings: RewardSettings): SignalSettings | undefined {
  const own = Object.hasOwn(settings.signals, type) ? settings.signals[type] : undefined;
  return own ?? (type === 'reward' ? EXPLICIT : undefined);
}

/** The number an event is worth at an age, as messages/rewards.ts says; undefined where it is worth none. */
export function worthOf(reaction: Omit<Reaction, 'candidateId'>, settings: RewardSettings, ageMs: number) {
  const signal = signalFor(reaction.type, settings);
  if (signal === undefined) return undefined;
  const { afterMs = 0, withinMs = Infinity, halfLifeMs } = signal;
  if (ageMs < afterMs || ageMs >= withinMs) return undefined;
  const factor = factorOf(reaction, signal);
  if (factor === undefined) return undefined;
  const worth = signal.value * factor * (halfLifeMs === undefined ? 1 : 2 ** (-ageMs / halfLifeMs));
  const width = Math.max(settings.max - settings.min, Math.abs(settings.min), Math.abs(settings.max));
  return Math.min(Math.max(worth, -width), width);
}

function factorOf({ kind, value }: Omit<Reaction, 'candidateId'>, signal: SignalSettings): number | undefined {
  const { map, perUnit, center = 0, scale = 1, transform = 'linear', cap = Infinity } = signal;
  if (map !== undefined) return kind !== undefined && Object.hasOwn(map, kind) ? map[kind] : map['*'];
  if (!perUnit) return 1;
  if (value === undefined) return undefined;
  const x = (value - center) / scale;
  const size = Math.abs(x);
  const shaped =
    transform === 'linear'
      ? x
      : transform === 'log'
        ? Math.sign(x) * Math.log1p(size)
        : // Not x / (|x| + half): rounding must not put a larger value below a smaller one.
          Math.sign(x) * (1 - transform.saturate.half / (size + transform.saturate.half));
  return Math.min(Math.max(shaped, -cap), cap);
}

/** The reactions with one more. Rewards combine as the surface says: all of them, and those of each item apart. */
export function addReaction(
  reactions: Reactions,
  detail: PendingDetail,
  reaction: Reaction,
  settings: RewardSettings,
  ageMs: number,
): Reactions {
  const signal = worthOf(reaction, settings, ageMs);
  // A click proves that it was seen, whether or not the impression event made it through.
  const shown = reactions.shown || isReactionType(reaction.type);
  const events = reactions.events.length < REACTION_EVENTS_MAX ? [...reactions.events, reaction] : reactions.events;
  const accepted = reaction.type === 'accept' ? (reaction.candidateId ?? detail.slate[0]?.id) : undefined;
  const seen = { ...reactions, shown, events, ...(accepted === undefined ? {} : { accepted }) };
  if (signal === undefined) return seen;
  const item = reaction.candidateId ?? accepted ?? reactions.accepted ?? detail.slate[0]?.id ?? null;
  const earned = combineRewards(
    reactions.items.find(({ id }) => id === item)?.reward ?? null,
    signal,
    settings.combine,
  );
  const items = [
    ...reactions.items.filter(({ id }) => id !== item),
    ...(item === null ? [] : [{ id: item, reward: earned }]),
  ];
  return {
    ...seen,
    reward: combineRewards(reactions.reward, signal, settings.combine),
    rewardedId: settings.combine === 'last' ? item : largestOf(items, reactions.rewardedId),
    items,
  };
}

/** The item that earned most; of several the one that was it before. */
function largestOf(items: Reactions['items'], before: string | null): string | null {
  let largest = items.find(({ id }) => id === before);
  for (const item of items) if (largest === undefined || item.reward > largest.reward) largest = item;
  return largest?.id ?? null;
}
