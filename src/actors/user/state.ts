/**
 * What is kept of one subject: a mode and a flat context of one fixed shape, so that 100,000 of them fit in memory. No
 * closure, timer, promise or Map; what is rarely read is kept as text.
 */
import { z } from 'zod';
import { EMPTY_CONSENT, type ConsentTable } from './consent-table.js';
import { INITIAL_MODE, internMode, type UserMode } from './user.machine.js';

/** A counter of a frequency cap: when each decision that it counts was made, ascending, milliseconds. */
export interface CapCounter {
  readonly key: string;
  /** Of the surface whose decisions it counts: surfaces of other purposes that share the cap have counters of their own. */
  readonly purpose: string;
  readonly windowMs: number;
  readonly at: readonly number[];
}

/** A decision whose reward, next state or holds are still awaited. */
export interface PendingDecision {
  readonly nonce: string;
  readonly surface: string;
  readonly purpose: string;
  /** Fold time of the decision: the age of what comes back for it counts from here. */
  readonly openedAtMs: number;
  /** Fold time at which the attribution window closes; 0 once it has. */
  readonly windowEndsMs: number;
  /** Fold time at which unconfirmed holds go back; 0 where none is left. */
  readonly holdsEndMs: number;
  /** Fold time at which its caps go back unless it was seen; 0 where they count for good, or no longer. */
  readonly capsEndMs: number;
  /** Fold time until which the app may show it. */
  readonly offerEndsMs: number;
  /** JSON of PendingDetail: what was decided; never changes but by withdrawal. */
  readonly detail: string;
  /** JSON of Reactions: what has come back so far; '' for nothing. */
  readonly reactions: string;
  /** JSON of NextStep, once it is known; '' until then. */
  readonly next: string;
  /** Its experience has been emitted; only holds and caps keep it here. */
  readonly emitted: boolean;
  /** JSON of Reactions with what came after the window, while its experience still waits; '' for nothing. */
  readonly late: string;
}

/** A decision whose experience is out, and that a late signal can still correct. */
export interface ClosedDecision {
  readonly nonce: string;
  readonly surface: string;
  readonly purpose: string;
  readonly openedAtMs: number;
  /** Fold time from which on nothing corrects it any more. */
  readonly untilMs: number;
  /** As in PendingDecision. */
  readonly detail: string;
  readonly reactions: string;
  readonly next: string;
  /** JSON of Corrected: what was said of it last. */
  readonly said: string;
}

/** The running episode of one surface. */
export interface OpenEpisode {
  readonly surface: string;
  readonly purpose: string;
  readonly id: string;
  /** Place of its next decision, from 0. */
  readonly step: number;
}

export interface UserState {
  readonly mode: UserMode;
  /** What was said of which purpose, and when. */
  readonly consent: ConsentTable;
  /** What the subject consents to by that, sorted. */
  readonly purposes: readonly string[];
  /** Sequence of the last change of consent: a personal decision based on less is void. */
  readonly consentSequence: number;
  /** The app's session id; '' where it gave none. */
  readonly sessionId: string;
  readonly sessionStartMs: number;
  /** Last activity in a session, fold time. */
  readonly lastMs: number;
  /** When to look whether the session has gone idle; 0 for never. It is not moved by each activity. */
  readonly sessionCheckMs: number;
  /** Fatigue as of `fatigueAtMs`. */
  readonly fatigue: number;
  readonly fatigueAtMs: number;
  /** End of the cool-down; 0 for none. */
  readonly coolUntilMs: number;
  /** Last activity that the profile knows of, fold time. */
  readonly seenMs: number;
  /** Decayed count of activity as of `seenMs`. */
  readonly frequency: number;
  readonly events: number;
  readonly decisions: number;
  readonly impressions: number;
  readonly clicks: number;
  readonly accepts: number;
  readonly skips: number;
  readonly trips: number;
  readonly ratings: number;
  readonly ratingSum: number;
  readonly dwellSeconds: number;
  /** Last zones, newest first (H3 cells). */
  readonly zones: readonly string[];
  /** The zone that counts a driver on duty; '' for off duty, or on duty nobody knows where. */
  readonly dutyZone: string;
  /** What was last said of the duty, by the sender's time; 0 for nothing. */
  readonly dutyAtMs: number;
  /** When to look whether the driver on duty has fallen silent; 0 for off duty. It is not moved by each sign of life. */
  readonly dutyCheckMs: number;
  readonly caps: readonly CapCounter[];
  /** Oldest first. */
  readonly pending: readonly PendingDecision[];
  /** In the order of closing. */
  readonly closed: readonly ClosedDecision[];
  readonly episodes: readonly OpenEpisode[];
  /** Recent decisions, oldest first: see recent-decisions.ts. */
  readonly recent: readonly string[];
}

/** Shared, so that an empty list costs an activation nothing. */
export const NONE: readonly never[] = Object.freeze([]);
const PERSONALIZATION_ONLY: readonly string[] = Object.freeze(['personalization']);

export const FRESH: UserState = Object.freeze({
  mode: INITIAL_MODE,
  consent: EMPTY_CONSENT,
  purposes: NONE,
  consentSequence: 0,
  sessionId: '',
  sessionStartMs: 0,
  lastMs: 0,
  seenMs: 0,
  sessionCheckMs: 0,
  fatigue: 0,
  fatigueAtMs: 0,
  coolUntilMs: 0,
  frequency: 0,
  events: 0,
  decisions: 0,
  impressions: 0,
  clicks: 0,
  accepts: 0,
  skips: 0,
  trips: 0,
  ratings: 0,
  ratingSum: 0,
  dwellSeconds: 0,
  zones: NONE,
  dutyZone: '',
  dutyAtMs: 0,
  dutyCheckMs: 0,
  caps: NONE,
  pending: NONE,
  closed: NONE,
  episodes: NONE,
  recent: NONE,
});

export const createUserState = (): UserState => FRESH;

/** A fresh state, whatever object it is: nothing would be lost by dropping it. */
export function isVacant(state: UserState): boolean {
  return (
    state === FRESH ||
    (state.mode === INITIAL_MODE &&
      state.consentSequence === 0 &&
      state.events === 0 &&
      state.decisions === 0 &&
      state.pending.length === 0 &&
      state.caps.length === 0 &&
      state.recent.length === 0)
  );
}

/** One shared list for the common case. */
export function internPurposes(purposes: readonly string[]): readonly string[] {
  if (purposes.length === 0) return NONE;
  if (purposes.length === 1 && purposes[0] === PERSONALIZATION_ONLY[0]) return PERSONALIZATION_ONLY;
  return purposes;
}

/** The shared empty list, where there is nothing in it. */
export const listOf = <T>(items: readonly T[]): readonly T[] => (items.length === 0 ? NONE : items);

const savedSchema = z.strictObject({
  mode: z.strictObject({
    consent: z.enum(['unknown', 'granted', 'withdrawn']),
    session: z.enum(['away', 'active']),
    fatigue: z.enum(['fresh', 'cooling']),
  }),
  consent: z.strictObject({
    entries: z.array(z.strictObject({ purpose: z.string(), grantedMs: z.number(), withdrawnMs: z.number() })),
    othersMs: z.number(),
  }),
  purposes: z.array(z.string()),
  consentSequence: z.number(),
  sessionId: z.string(),
  sessionStartMs: z.number(),
  lastMs: z.number(),
  seenMs: z.number(),
  sessionCheckMs: z.number(),
  fatigue: z.number(),
  fatigueAtMs: z.number(),
  coolUntilMs: z.number(),
  frequency: z.number(),
  events: z.number(),
  decisions: z.number(),
  impressions: z.number(),
  clicks: z.number(),
  accepts: z.number(),
  skips: z.number(),
  trips: z.number(),
  ratings: z.number(),
  ratingSum: z.number(),
  dwellSeconds: z.number(),
  zones: z.array(z.string()),
  dutyZone: z.string(),
  dutyAtMs: z.number(),
  dutyCheckMs: z.number(),
  caps: z.array(
    z.strictObject({ key: z.string(), purpose: z.string(), windowMs: z.number(), at: z.array(z.number()) }),
  ),
  pending: z.array(
    z.strictObject({
      nonce: z.string(),
      surface: z.string(),
      purpose: z.string(),
      openedAtMs: z.number(),
      windowEndsMs: z.number(),
      holdsEndMs: z.number(),
      capsEndMs: z.number(),
      offerEndsMs: z.number(),
      detail: z.string(),
      reactions: z.string(),
      next: z.string(),
      emitted: z.boolean(),
      late: z.string(),
    }),
  ),
  closed: z.array(
    z.strictObject({
      nonce: z.string(),
      surface: z.string(),
      purpose: z.string(),
      openedAtMs: z.number(),
      untilMs: z.number(),
      detail: z.string(),
      reactions: z.string(),
      next: z.string(),
      said: z.string(),
    }),
  ),
  episodes: z.array(z.strictObject({ surface: z.string(), purpose: z.string(), id: z.string(), step: z.number() })),
  recent: z.array(z.string()),
});

/** Checks a saved state and gives it the shape and the shared values of a folded one; throws ZodError if it is none. */
export function reviveUserState(saved: unknown): UserState {
  const parsed = savedSchema.parse(saved);
  return {
    ...FRESH,
    ...parsed,
    mode: internMode(parsed.mode),
    consent: parsed.consent.entries.length === 0 && parsed.consent.othersMs === 0 ? EMPTY_CONSENT : parsed.consent,
    purposes: internPurposes(parsed.purposes),
    zones: listOf(parsed.zones),
    caps: listOf(parsed.caps),
    pending: listOf(parsed.pending),
    closed: listOf(parsed.closed),
    episodes: listOf(parsed.episodes),
    recent: listOf(parsed.recent),
  };
}
