/**
 * What is kept of one subject: a mode and a flat context of one fixed shape, so that 100,000 of them fit in memory. No
 * closure, timer, promise or Map; what is rarely read is kept as text.
 */
import { z } from 'zod';
import { INITIAL_MODE, internMode, type UserMode } from './user.machine.js';

/** A counter of a frequency cap: when each decision that it counts was made, ascending, milliseconds. */
export interface CapCounter {
  readonly key: string;
  readonly windowMs: number;
  readonly at: readonly number[];
}

/** A decision whose reward, next state or holds are still awaited. */
export interface PendingDecision {
  readonly nonce: string;
  readonly surface: string;
  /** Fold time of the decision: the age of what comes back for it counts from here. */
  readonly openedAtMs: number;
  /** Fold time at which the attribution window closes; 0 once it has. */
  readonly windowEndsMs: number;
  /** Fold time at which unconfirmed holds go back; 0 where none is left. */
  readonly holdsEndMs: number;
  /** JSON of PendingDetail: what was decided; never changes but by withdrawal. */
  readonly detail: string;
  /** JSON of Reactions: what has come back so far; '' for nothing. */
  readonly reactions: string;
  /** JSON of NextStep, once it is known; '' until then. */
  readonly next: string;
  /** Its experience has been emitted; only holds keep it here. */
  readonly emitted: boolean;
  /** JSON of Reactions with what came after the window, while its experience still waits; '' for nothing. */
  readonly late: string;
}

/** A decision whose experience is out, and that a late signal can still correct. */
export interface ClosedDecision {
  readonly nonce: string;
  readonly surface: string;
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
  readonly id: string;
  /** Place of its next decision, from 0. */
  readonly step: number;
}

export interface UserState {
  readonly mode: UserMode;
  /** What the subject has consented to, sorted. */
  readonly purposes: readonly string[];
  /** Sequence of the last change of consent: a personal decision based on less is void. */
  readonly consentSequence: number;
  /** The app's session id; '' where it gave none. */
  readonly sessionId: string;
  readonly sessionStartMs: number;
  /** Last activity, fold time. */
  readonly lastMs: number;
  /** When to look whether the session has gone idle; 0 for never. It is not moved by each activity. */
  readonly sessionCheckMs: number;
  /** Fatigue as of `fatigueAtMs`. */
  readonly fatigue: number;
  readonly fatigueAtMs: number;
  /** End of the cool-down; 0 for none. */
  readonly coolUntilMs: number;
  /** Decayed count of activity as of `lastMs`. */
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
  /** Where a driver on duty last was; '' for off duty. */
  readonly driverZone: string;
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

const FRESH: UserState = Object.freeze({
  mode: INITIAL_MODE,
  purposes: NONE,
  consentSequence: 0,
  sessionId: '',
  sessionStartMs: 0,
  lastMs: 0,
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
  driverZone: '',
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
  purposes: z.array(z.string()),
  consentSequence: z.number(),
  sessionId: z.string(),
  sessionStartMs: z.number(),
  lastMs: z.number(),
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
  driverZone: z.string(),
  caps: z.array(z.strictObject({ key: z.string(), windowMs: z.number(), at: z.array(z.number()) })),
  pending: z.array(
    z.strictObject({
      nonce: z.string(),
      surface: z.string(),
      // 0, and `late` below: as states were saved before there were ages and corrections.
      openedAtMs: z.number().default(0),
      windowEndsMs: z.number(),
      holdsEndMs: z.number(),
      detail: z.string(),
      reactions: z.string(),
      next: z.string(),
      emitted: z.boolean(),
      late: z.string().default(''),
    }),
  ),
  closed: z
    .array(
      z.strictObject({
        nonce: z.string(),
        surface: z.string(),
        openedAtMs: z.number(),
        untilMs: z.number(),
        detail: z.string(),
        reactions: z.string(),
        next: z.string(),
        said: z.string(),
      }),
    )
    .default([]),
  episodes: z.array(z.strictObject({ surface: z.string(), id: z.string(), step: z.number() })).default([]),
  recent: z.array(z.string()),
});

/** Checks a saved state and gives it the shape and the shared values of a folded one; throws ZodError if it is none. */
export function reviveUserState(saved: unknown): UserState {
  const parsed = savedSchema.parse(saved);
  return {
    ...FRESH,
    ...parsed,
    mode: internMode(parsed.mode),
    purposes: internPurposes(parsed.purposes),
    zones: listOf(parsed.zones),
    caps: listOf(parsed.caps),
    pending: listOf(parsed.pending.map(withAge)),
    closed: listOf(parsed.closed),
    episodes: listOf(parsed.episodes),
    recent: listOf(parsed.recent),
  };
}

/** A decision saved without its fold time is as old as its owner's clock said. */
function withAge(pending: PendingDecision): PendingDecision {
  if (pending.openedAtMs > 0) return pending;
  const { decidedAtMs } = JSON.parse(pending.detail) as { decidedAtMs?: number };
  return { ...pending, openedAtMs: decidedAtMs ?? 0 };
}
