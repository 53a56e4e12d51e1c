/** What an app or a console may see of a subject. */
import type { FoldSettings } from '../../messages/settings.js';
import { decisionIdOf } from '../../messages/tokens.js';
import type { ActorAddress } from '../host/actor-kind.js';
import { countOf } from './caps.js';
import type { ConsentEntry } from './consent-table.js';
import { fatigueAt } from './fatigue.js';
import { featuresOf } from './features.js';
import { reactionsOf } from './pending.js';
import type { UserState } from './state.js';

export interface UserView {
  readonly kind: string;
  readonly token: string;
  /** Last folded sequence that this view reflects. */
  readonly sequence: number;
  readonly consent: {
    readonly mode: string;
    /** What is consented to now. */
    readonly purposes: readonly string[];
    /** What was last said of which purpose: the later of the two times counts, and a withdrawal where they are equal. */
    readonly said: readonly ConsentEntry[];
    /** When every other purpose was withdrawn. */
    readonly othersWithdrawnMs?: number;
  };
  readonly session: { readonly mode: string; readonly startedAtMs?: number; readonly lastAtMs?: number };
  readonly fatigue: { readonly mode: string; readonly value: number; readonly coolUntilMs?: number };
  readonly counters: Readonly<Record<string, number>>;
  readonly features: Readonly<Record<string, number>>;
  readonly lastZones: readonly string[];
  readonly driverZone: string | null;
  /** What each cap counts now. */
  readonly caps: readonly { readonly key: string; readonly windowMs: number; readonly count: number }[];
  readonly pending: readonly {
    readonly decisionId: string;
    readonly surface: string;
    /** 0 once the window has closed. */
    readonly windowEndsMs: number;
    readonly holdsEndMs: number;
    readonly reward: number | null;
  }[];
  /** Decisions journaled but not folded yet. */
  readonly inFlight: number;
}

export interface ViewInput {
  readonly address: ActorAddress;
  readonly sequence: number;
  readonly nowMs: number;
  readonly settings: FoldSettings;
  readonly inFlight: number;
}

/** Without consent there is no profile to see: only modes, and what is still pending. */
export function viewOf(state: UserState, input: ViewInput): UserView {
  const { address, sequence, nowMs, settings, inFlight } = input;
  const known = address.kind === 'anon' || state.mode.consent === 'granted';
  const active = state.mode.session === 'active';
  const cooling = state.mode.fatigue === 'cooling';
  return {
    kind: address.kind,
    token: address.token,
    sequence,
    consent: {
      mode: state.mode.consent,
      purposes: state.purposes,
      said: state.consent.entries,
      ...(state.consent.othersMs === 0 ? {} : { othersWithdrawnMs: state.consent.othersMs }),
    },
    session: {
      mode: state.mode.session,
      ...(active ? { startedAtMs: state.sessionStartMs, lastAtMs: state.lastMs } : {}),
    },
    fatigue: {
      mode: state.mode.fatigue,
      value: known ? fatigueAt(state, nowMs, settings.user.fatigue) : 0,
      ...(cooling ? { coolUntilMs: state.coolUntilMs } : {}),
    },
    counters: known ? countersOf(state) : {},
    features: known ? featuresOf(state, nowMs) : {},
    lastZones: known ? state.zones : [],
    driverZone: known && state.dutyZone !== '' ? state.dutyZone : null,
    caps: known
      ? state.caps.map(({ key, windowMs }) => ({ key, windowMs, count: countOf(state.caps, key, windowMs, nowMs) }))
      : [],
    pending: state.pending.map((one) => ({
      decisionId: decisionIdOf(one.nonce, address.kind, address.token),
      surface: one.surface,
      windowEndsMs: one.windowEndsMs,
      holdsEndMs: one.holdsEndMs,
      reward: reactionsOf(one).reward,
    })),
    inFlight,
  };
}

function countersOf(state: UserState): Record<string, number> {
  const { events, decisions, impressions, clicks, accepts, skips, trips, ratings } = state;
  return { events, decisions, impressions, clicks, accepts, skips, trips, ratings };
}
