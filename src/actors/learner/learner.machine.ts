/** The modes of a learner that holds its lease. Pure: the actor feeds it what happened and obeys the mode. */
import { assign, initialTransition, setup, transition, type SnapshotFrom } from 'xstate';

export type LearnerEvent =
  /** Checkpoint loaded, learner made. */
  | { readonly type: 'Warmed' }
  /** Enough was learned to be worth publishing. */
  | { readonly type: 'PublishDue' }
  /** What was learned does not go live: it is on trial, or was rejected. */
  | { readonly type: 'Withheld' }
  /** The artifact is sound. */
  | { readonly type: 'Evaluated' }
  | { readonly type: 'Published' }
  | { readonly type: 'Failed'; readonly code: string; readonly reason: string }
  /** The pause after a failure is over. */
  | { readonly type: 'Restarted' };

export interface LearnerModeContext {
  /** Why it is, or last was, degraded; null once something was published after it. */
  readonly reason: string | null;
  /** Failures since the last publication. */
  readonly failures: number;
}

const machine = setup({
  types: { context: {} as LearnerModeContext, events: {} as LearnerEvent },
  actions: {
    note: assign(({ context, event }) =>
      event.type === 'Failed'
        ? { reason: `${event.code}: ${event.reason}`, failures: context.failures + 1 }
        : { reason: context.reason, failures: context.failures },
    ),
    recover: assign({ reason: null, failures: 0 }),
  },
}).createMachine({
  id: 'learner',
  initial: 'warming',
  context: { reason: null, failures: 0 },
  on: { Failed: { target: '.degraded', actions: 'note' } },
  states: {
    warming: { on: { Warmed: 'learning' } },
    learning: { on: { PublishDue: 'evaluating' } },
    evaluating: { on: { Evaluated: 'publishing', Withheld: { target: 'learning', actions: 'recover' } } },
    publishing: { on: { Published: { target: 'learning', actions: 'recover' } } },
    degraded: { on: { Restarted: 'warming' } },
  },
});

export type LearnerMode = 'warming' | 'learning' | 'evaluating' | 'publishing' | 'degraded';
export type LearnerModeState = SnapshotFrom<typeof machine>;

export const initialMode = (): LearnerModeState => initialTransition(machine)[0];

/** An event that the current mode does not accept changes nothing. */
export const nextMode = (state: LearnerModeState, event: LearnerEvent): LearnerModeState =>
  transition(machine, state, event)[0];
