import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createActor } from 'xstate';
import { INITIAL_MODE, internMode, nextMode, USER_MODE_EVENTS, userMachine, type UserMode } from './user.machine.js';

describe('the modes of a user', () => {
  test.each([
    [{}, 'consent.granted', { consent: 'granted' }],
    [{}, 'consent.withdrawn', { consent: 'withdrawn' }],
    [{ consent: 'granted' }, 'consent.withdrawn', { consent: 'withdrawn' }],
    [{ consent: 'withdrawn' }, 'consent.granted', { consent: 'granted' }],
    [{}, 'session.started', { session: 'active' }],
    [{ session: 'active' }, 'session.ended', { session: 'away' }],
    [{}, 'fatigue.exceeded', { fatigue: 'cooling' }],
    [{ fatigue: 'cooling' }, 'fatigue.recovered', { fatigue: 'fresh' }],
  ] as const)('%j on %s becomes %j, and nothing else changes', (from, event, to) => {
    const mode = internMode({ ...INITIAL_MODE, ...from });
    expect(nextMode(mode, event)).toEqual({ ...mode, ...to });
  });

  test('an event that the mode does not accept leaves the same value', () => {
    expect(nextMode(INITIAL_MODE, 'session.ended')).toBe(INITIAL_MODE);
    expect(nextMode(INITIAL_MODE, 'fatigue.recovered')).toBe(INITIAL_MODE);
  });

  test('always agree with a live XState actor', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...USER_MODE_EVENTS), { maxLength: 30 }), (events) => {
        const actor = createActor(userMachine).start();
        let mode: UserMode = INITIAL_MODE;
        for (const type of events) {
          actor.send({ type });
          mode = nextMode(mode, type);
          expect(mode).toEqual(actor.getSnapshot().value);
        }
        actor.stop();
      }),
    );
  });

  test('are shared: a revived mode is the same value', () => {
    const mode = nextMode(INITIAL_MODE, 'consent.granted');
    expect(internMode(JSON.parse(JSON.stringify(mode)) as UserMode)).toBe(mode);
    expect(() => internMode({ ...mode, consent: 'maybe' as never })).toThrow(RangeError);
  });
});
