import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UserRig } from '../../../test/support/user-actor.js';
import type { ConsentAnswer } from '../../messages/consent.js';
import { PURPOSES_MAX } from '../../messages/events.js';
import { isGranted } from './consent-table.js';

const MINUTE = 60_000;

const ask = (rig: UserRig, ...changes: object[]): unknown[] => {
  const handling = rig.handle('consent', { changes });
  if (handling.do !== 'reply') throw new Error(JSON.stringify(handling));
  return (handling.body as ConsentAnswer).outcomes.map((outcomes) =>
    outcomes.map(({ purpose, outcome }) => `${purpose}: ${outcome}`),
  );
};
const iso = (ms: number): string => new Date(ms).toISOString();
const granted = (purposes?: string[], more: object = {}) => ({ type: 'consent.granted', purposes, ...more });
const withdrawn = (purposes?: string[], more: object = {}) => ({ type: 'consent.withdrawn', purposes, ...more });

describe('what became of a change of consent', () => {
  it('is that it holds, for each purpose that it names', () => {
    const rig = new UserRig();
    rig.event('consent.granted', { purposes: ['marketing', 'ads', 'ads'] });
    expect(ask(rig, granted(['marketing', 'ads', 'ads']))).toEqual([['marketing: granted', 'ads: granted']]);
    rig.pass(1);
    rig.event('consent.withdrawn', { purposes: ['ads'] });
    expect(ask(rig, withdrawn(['ads']))).toEqual([['ads: withdrawn']]);
    rig.event('consent.granted');
    expect(ask(rig, granted(), granted([]))).toEqual([['personalization: granted'], ['personalization: granted']]);
  });

  it('is that a grant was lost to a withdrawal that counts as later: a slow clock’s, or one of the same moment', () => {
    const rig = new UserRig().consent();
    rig.pass(MINUTE);
    rig.event('consent.withdrawn', {}, { saidMs: rig.nowMs });
    // Given after the withdrawal, on a clock that is slow by a second.
    const saidMs = rig.nowMs - 1000;
    rig.pass(100);
    rig.event('consent.granted', {}, { saidMs });
    const late = granted(undefined, { time: iso(saidMs), sequence: rig.sequence });
    expect(ask(rig, late, late)).toEqual([['personalization: not-newer'], ['personalization: not-newer']]);
    const other = new UserRig();
    other.event('consent.withdrawn', { purposes: ['ads'] });
    other.event('consent.granted', { purposes: ['ads', 'marketing'] });
    expect(ask(other, withdrawn(['ads']), granted(['ads', 'marketing']))).toEqual([
      ['ads: withdrawn'],
      ['ads: not-newer', 'marketing: granted'],
    ]);
  });

  it('is that a withdrawal of long ago has been overridden since', () => {
    const rig = new UserRig();
    rig.event('consent.granted', { purposes: ['ads'] });
    const saidMs = rig.nowMs - 60 * MINUTE;
    rig.event('consent.withdrawn', {}, { saidMs });
    expect(ask(rig, withdrawn(undefined, { time: iso(saidMs) }), withdrawn(['ads'], { time: iso(saidMs) }))).toEqual([
      ['ads: not-newer', 'null: withdrawn'],
      ['ads: not-newer'],
    ]);
  });

  it('is that it was not taken, where there was no room for it or it was too old', () => {
    const rig = new UserRig();
    const all = Array.from({ length: PURPOSES_MAX }, (_, i) => `p${i}`);
    rig.event('consent.granted', { purposes: all });
    expect(rig.event('consent.granted', { purposes: ['one-more'] }).outcome).toBe('rejected');
    expect(ask(rig, granted(['one-more'], { sequence: rig.sequence }))).toEqual([['one-more: refused']]);
    const other = new UserRig();
    const saidMs = other.nowMs - other.settings.events.pastMaxMs - 1;
    expect(other.event('consent.granted', {}, { saidMs }).outcome).toBe('rejected');
    const old = granted(undefined, { time: iso(saidMs), sequence: other.sequence });
    expect(ask(other, old)).toEqual([['personalization: refused']]);
    expect(ask(new UserRig(), withdrawn())).toEqual([['null: refused']]);
  });

  it('is not known where the host could not wait for it', () => {
    const rig = new UserRig().consent();
    rig.degraded = ['after'];
    expect(ask(rig, granted(), withdrawn(), withdrawn(['ads']))).toEqual([
      ['personalization: pending'],
      ['null: pending'],
      ['ads: pending'],
    ]);
  });

  it('names purposes as hostile as they may be', () => {
    const rig = new UserRig();
    const purposes = ['__proto__', 'constructor', '*', 'null', 'toString'];
    rig.event('consent.granted', { purposes });
    expect(ask(rig, granted(purposes))).toEqual([purposes.map((purpose) => `${purpose}: granted`)]);
  });

  it('never says other than what holds, in whatever order changes come and however often', () => {
    const change = fc.record({
      type: fc.constantFrom('consent.granted', 'consent.withdrawn'),
      purposes: fc.option(fc.subarray(['a', 'b', 'personalization']), { nil: undefined }),
      agoMs: fc.option(fc.integer({ min: -MINUTE, max: 20 * MINUTE }), { nil: undefined }),
      waitMs: fc.constantFrom(0, 1, 7 * MINUTE),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const rig = new UserRig();
        const sent = changes.map(({ type, purposes, agoMs, waitMs }) => {
          rig.pass(waitMs);
          const saidMs = agoMs === undefined ? undefined : rig.nowMs - agoMs;
          rig.event(type, purposes ? { purposes } : {}, saidMs === undefined ? {} : { saidMs });
          const time = saidMs === undefined ? {} : { time: iso(saidMs) };
          return { type, ...(purposes ? { purposes } : {}), ...time, sequence: rig.sequence };
        });
        const { body } = rig.handle('consent', { changes: sent }) as { body: ConsentAnswer };
        body.outcomes.forEach((outcomes, i) => {
          for (const { purpose, outcome } of outcomes) {
            if (purpose === null) continue;
            const holds = isGranted(rig.state.consent, purpose);
            const expected = holds === (sent[i]!.type === 'consent.granted');
            expect([purpose, outcome]).toEqual([purpose, expected ? (holds ? 'granted' : 'withdrawn') : 'not-newer']);
          }
        });
      }),
      { numRuns: 300, seed: 19 },
    );
  });

  it.each([
    [{}, 'changes'],
    [{ changes: [] }, 'changes'],
    [{ changes: [{ type: 'consent.revoked' }] }, 'changes[0].type'],
    [{ changes: [granted(['\0'])] }, 'changes[0].purposes[0]'],
    [{ changes: [granted([], { time: 'now' })] }, 'changes[0].time'],
    [{ changes: [granted([], { more: 1 })] }, 'changes[0].more'],
    [{ changes: [granted()], after: 7 }, 'after'],
    [{ changes: [granted()], deadlineMs: 1e9 }, 'deadlineMs'],
    ['nonsense', ''],
  ])('is not told to %j', (body, field) => {
    expect(new UserRig().handle('consent', body)).toMatchObject({
      do: 'fail',
      error: { code: 'INVALID_REQUEST', field },
    });
  });

  it('is not asked of a stand-in', () => {
    expect(new UserRig({ kind: 'anon' }).handle('consent', { changes: [granted()] })).toMatchObject({
      do: 'fail',
      error: { code: 'CONSENT_OF_USER' },
    });
  });
});
