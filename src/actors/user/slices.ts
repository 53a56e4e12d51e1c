/**
 * What is kept of a subject, by the purpose it is kept for. A slice is written and read only while its purpose is
 * consented to; the withdrawal of that purpose empties it, and a later grant begins with nothing. This list is the one
 * place that says which field hangs on what.
 *
 * What belongs to a decision (caps, pending and closed decisions, episodes, the table of recent ones) hangs on the purpose
 * of the decision's surface, which each of its entries names.
 */
import { PERSONALIZATION } from '../../messages/consent.js';
import type { FoldWork } from './fold-work.js';
import { isGranted } from './consent-table.js';
import { recentWithout } from './recent-decisions.js';
import { FRESH, listOf, type UserState } from './state.js';

/** Kept while anything at all is consented to: what every decision needs, whatever it is for. */
const ANY_PURPOSE = Symbol('any purpose');

interface SliceDeclaration {
  readonly purpose: string | typeof ANY_PURPOSE;
  readonly fields: readonly (keyof UserState)[];
}

export const SLICES = {
  /** What a subject has done, in numbers. */
  counters: {
    purpose: PERSONALIZATION,
    fields: [
      'events',
      'decisions',
      'impressions',
      'clicks',
      'accepts',
      'skips',
      'ratings',
      'ratingSum',
      'dwellSeconds',
    ],
  },
  /** How often and how lately. */
  activity: { purpose: PERSONALIZATION, fields: ['seenMs', 'frequency'] },
  trips: { purpose: PERSONALIZATION, fields: ['trips'] },
  /** Where a subject has been. */
  places: { purpose: PERSONALIZATION, fields: ['zones'] },
  /** Where a driver on duty is. */
  duty: { purpose: PERSONALIZATION, fields: ['dutyZone', 'dutyAtMs', 'dutyCheckMs'] },
  session: { purpose: ANY_PURPOSE, fields: ['sessionId', 'sessionStartMs', 'lastMs', 'sessionCheckMs'] },
  fatigue: { purpose: ANY_PURPOSE, fields: ['fatigue', 'fatigueAtMs', 'coolUntilMs'] },
} as const satisfies Record<string, SliceDeclaration>;

export type SliceName = keyof typeof SLICES;

/** The lists of a state whose entries name their purpose. */
export const LISTS_BY_PURPOSE = [
  'caps',
  'pending',
  'closed',
  'episodes',
  'recent',
] as const satisfies readonly (keyof UserState)[];

/** What is no profile: the modes, what was consented to, and when. */
export const NO_PROFILE = [
  'mode',
  'consent',
  'purposes',
  'consentSequence',
] as const satisfies readonly (keyof UserState)[];

/** Whether a slice of a subject may be read. */
export function mayRead(state: UserState, slice: SliceName): boolean {
  const { purpose }: SliceDeclaration = SLICES[slice];
  return purpose === ANY_PURPOSE ? state.purposes.length > 0 : isGranted(state.consent, purpose as string);
}

/** Whether a fold may write it. A stand-in keeps no profile, but what its decisions need for as long as a session. */
export function mayWrite({ state, ctx }: FoldWork, slice: SliceName): boolean {
  const { purpose }: SliceDeclaration = SLICES[slice];
  return ctx.address.kind === 'anon' ? purpose === ANY_PURPOSE : mayRead(state, slice);
}

/** The state without what hangs on the purposes that are gone, `none` telling that no other is left. */
export function emptied(state: UserState, isGone: (purpose: string) => boolean, none: boolean): UserState {
  const fresh: Partial<Record<keyof UserState, unknown>> = {};
  for (const { purpose, fields } of Object.values<SliceDeclaration>(SLICES)) {
    if (purpose === ANY_PURPOSE ? !none : !isGone(purpose as string)) continue;
    for (const field of fields) fresh[field] = FRESH[field];
  }
  const stays = ({ purpose }: { readonly purpose: string }): boolean => !isGone(purpose);
  return {
    ...state,
    ...(fresh as Partial<UserState>),
    caps: listOf(state.caps.filter(stays)),
    closed: listOf(state.closed.filter(stays)),
    episodes: listOf(state.episodes.filter(stays)),
    recent: listOf(recentWithout(state.recent, isGone)),
  };
}
