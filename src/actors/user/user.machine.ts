/**
 * The modes of a subject, as one XState machine with three parallel regions. The machine has no context, guard, timer or
 * actor: what comes next depends on the mode and the event alone. So each (mode, event) pair is asked of `transition`
 * once, when this file is loaded, and activations share the twelve mode values.
 */
import { setup, transition } from 'xstate';

export type ConsentMode = 'unknown' | 'granted' | 'withdrawn';
export type SessionMode = 'away' | 'active';
export type FatigueMode = 'fresh' | 'cooling';

export interface UserMode {
  readonly consent: ConsentMode;
  readonly session: SessionMode;
  readonly fatigue: FatigueMode;
}

export const USER_MODE_EVENTS = [
  'consent.granted',
  'consent.withdrawn',
  'session.started',
  'session.ended',
  'fatigue.exceeded',
  'fatigue.recovered',
] as const;
export type UserModeEvent = (typeof USER_MODE_EVENTS)[number];

export const userMachine = setup({ types: { events: {} as { type: UserModeEvent } } }).createMachine({
  id: 'user',
  type: 'parallel',
  states: {
    consent: {
      initial: 'unknown',
      states: {
        unknown: { on: { 'consent.granted': 'granted', 'consent.withdrawn': 'withdrawn' } },
        granted: { on: { 'consent.withdrawn': 'withdrawn' } },
        withdrawn: { on: { 'consent.granted': 'granted' } },
      },
    },
    session: {
      initial: 'away',
      states: {
        away: { on: { 'session.started': 'active' } },
        active: { on: { 'session.ended': 'away' } },
      },
    },
    fatigue: {
      initial: 'fresh',
      states: {
        fresh: { on: { 'fatigue.exceeded': 'cooling' } },
        cooling: { on: { 'fatigue.recovered': 'fresh' } },
      },
    },
  },
});

const CONSENTS: readonly ConsentMode[] = ['unknown', 'granted', 'withdrawn'];
const SESSIONS: readonly SessionMode[] = ['away', 'active'];
const FATIGUES: readonly FatigueMode[] = ['fresh', 'cooling'];

const keyOf = (mode: UserMode): string => `${mode.consent}/${mode.session}/${mode.fatigue}`;

const MODES: ReadonlyMap<string, UserMode> = new Map(
  CONSENTS.flatMap((consent) =>
    SESSIONS.flatMap((session) =>
      FATIGUES.map((fatigue): [string, UserMode] => {
        const mode = Object.freeze({ consent, session, fatigue });
        return [keyOf(mode), mode];
      }),
    ),
  ),
);

const NEXT: ReadonlyMap<UserMode, ReadonlyMap<UserModeEvent, UserMode>> = new Map(
  Array.from(MODES.values(), (mode) => [mode, acceptedBy(mode)]),
);

function acceptedBy(mode: UserMode): ReadonlyMap<UserModeEvent, UserMode> {
  const snapshot = userMachine.resolveState({ value: { ...mode }, context: {} });
  const accepted = new Map<UserModeEvent, UserMode>();
  for (const type of USER_MODE_EVENTS) {
    if (!snapshot.can({ type })) continue;
    const [next] = transition(userMachine, snapshot, { type });
    accepted.set(type, internMode(next.value as unknown as UserMode));
  }
  return accepted;
}

export const INITIAL_MODE: UserMode = internMode({ consent: 'unknown', session: 'away', fatigue: 'fresh' });

/** The shared value that equals `mode`; throws RangeError if there is none. */
export function internMode(mode: UserMode): UserMode {
  const known = MODES.get(keyOf(mode));
  if (known === undefined) throw new RangeError(`not a mode of a user: ${keyOf(mode)}`);
  return known;
}

/** The mode after an event, and the same mode where the current one does not accept it. */
export const nextMode = (mode: UserMode, event: UserModeEvent): UserMode => NEXT.get(mode)?.get(event) ?? mode;
