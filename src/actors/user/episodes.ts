/** Episodes: the decisions of one subject on one surface, from the first of a session to what ends them. */
import type { InboundEvent } from '../../messages/events.js';
import { episodeSettingsFor, follow, type FoldWork } from './fold-work.js';
import { settle } from './settle.js';
import { NONE, type OpenEpisode } from './state.js';

/** Surfaces with an open episode that one subject may have; the one begun first is begun anew above it. */
const EPISODES_MAX = 64;

/** The place of a decision that is being folded in its surface's episode, which it opens if there is none. */
export function takeStep(work: FoldWork, surface: string, purpose: string): { episode: string; step: number } {
  const { address, atMs, sequence } = work.ctx;
  const { episodes } = work.state;
  const known = episodes.find((one) => one.surface === surface);
  const id = known?.id ?? `${address.kind}.${address.token}.${atMs.toString(36)}-${sequence.toString(36)}`;
  const step = known?.step ?? 0;
  const next: OpenEpisode = { surface, purpose, id, step: step + 1 };
  work.state = {
    ...work.state,
    episodes:
      known === undefined
        ? [...episodes.slice(-(EPISODES_MAX - 1)), next]
        : episodes.map((one) => (one === known ? next : one)),
  };
  return { episode: id, step };
}

/**
 * Ends the episodes of the surfaces that declare the event's type: of all, or where the event names a decision of that
 * decision's surface alone.
 */
export function endEpisodes(work: FoldWork, type: InboundEvent['type'], named: string | undefined): void {
  const ends = (surface: string): boolean =>
    (named === undefined || named === surface) && episodeSettingsFor(work.ctx, surface).endsOn.includes(type);
  const { episodes } = work.state;
  if (episodes.some(({ surface }) => ends(surface))) {
    const open = episodes.filter(({ surface }) => !ends(surface));
    work.state = { ...work.state, episodes: open.length === 0 ? NONE : open };
  }
  if (follow(work, (surface) => (ends(surface) ? { next: null, ending: 'terminal' } : undefined)))
    settle(work, work.ctx.atMs);
}
