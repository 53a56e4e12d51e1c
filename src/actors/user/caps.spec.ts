import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { surfaceWith } from '../../../test/support/user-actor.js';
import { capUses, countOf, raiseCaps, releaseCaps } from './caps.js';
import type { CapCounter } from './state.js';

const WINDOW = 100;
const made = (atMs: number, purpose = 'p') => ({ purpose, atMs });
const use = (key: string, windowMs = WINDOW) => ({ key, windowMs, max: 3 });

describe('frequency caps', () => {
  test('give back the decision that is released, and no other', () => {
    let caps: readonly CapCounter[] = [];
    for (const atMs of [1000, 1010, 1020]) caps = raiseCaps(caps, [use('a')], made(atMs));
    expect(releaseCaps(caps, ['a'], made(1000))).toMatchObject([{ key: 'a', at: [1010, 1020] }]);
    expect(releaseCaps(caps, ['a'], made(1020))).toMatchObject([{ key: 'a', at: [1000, 1010] }]);
    expect(releaseCaps(caps, ['a'], made(1015))).toEqual(caps);
    expect(releaseCaps(caps, ['b'], made(1000))).toEqual(caps);
  });

  test('count exactly what a list of all times would count', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 60 }), key: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let caps: readonly CapCounter[] = [];
        const all: { key: string; atMs: number }[] = [];
        let nowMs = 1000;
        for (const { wait, key } of steps) {
          nowMs += wait;
          caps = raiseCaps(caps, [use(key)], made(nowMs));
          all.push({ key, atMs: nowMs });
          for (const one of ['a', 'b']) {
            const expected = all.filter((entry) => entry.key === one && entry.atMs > nowMs - WINDOW).length;
            expect(countOf(caps, one, WINDOW, nowMs)).toBe(expected);
          }
        }
      }),
    );
  });

  test('the window is open at its old end: a decision exactly one window ago no longer counts', () => {
    const caps = raiseCaps([], [use('a')], made(1000));
    expect(countOf(caps, 'a', WINDOW, 1000 + WINDOW - 1)).toBe(1);
    expect(countOf(caps, 'a', WINDOW, 1000 + WINDOW)).toBe(0);
  });

  test('a release takes out one decision of that moment, and only under its keys', () => {
    let caps = raiseCaps([], [use('a'), use('b')], made(1000));
    caps = raiseCaps(caps, [use('a')], made(1000));
    caps = releaseCaps(caps, ['a'], made(1000));
    expect(countOf(caps, 'a', WINDOW, 1001)).toBe(1);
    expect(countOf(caps, 'b', WINDOW, 1001)).toBe(1);
    expect(releaseCaps(caps, ['a', 'b'], made(1000))).toEqual([]);
  });

  test('surfaces of several purposes count together, and are released apart', () => {
    const caps = raiseCaps(raiseCaps([], [use('a')], made(1000, 'p')), [use('a')], made(1000, 'q'));
    expect(countOf(caps, 'a', WINDOW, 1001)).toBe(2);
    expect(releaseCaps(caps, ['a'], made(1000, 'q'))).toEqual(raiseCaps([], [use('a')], made(1000, 'p')));
  });

  test('counters that no window reaches are forgotten', () => {
    const caps = raiseCaps(raiseCaps([], [use('a')], made(1000)), [use('b')], made(2000));
    expect(caps.map(({ key }) => key)).toEqual(['b']);
  });

  test('decisions that arrive out of order are kept in order', () => {
    const caps = raiseCaps(raiseCaps([], [use('a')], made(1010)), [use('a')], made(1000));
    expect(caps[0]!.at).toEqual([1000, 1010]);
  });

  test('a decision raises each counter once, however many items share it', () => {
    const windowMs = 1000;
    const surface = surfaceWith({
      caps: [
        { scope: 'surface', max: 3, windowMs },
        { scope: 'candidate', max: 1, windowMs },
        { scope: 'category', max: 2, windowMs, name: 'cat' },
        { scope: 'campaign', max: 1, windowMs },
      ],
    });
    const shown = [{ id: 'x', category: 'food' }, { id: 'y', category: 'food' }, { id: 'z' }];
    expect(capUses(surface, shown).map(({ key }) => key)).toEqual([
      'test.offer.surface',
      'test.offer.candidate|x',
      'test.offer.candidate|y',
      'test.offer.candidate|z',
      'cat|food',
    ]);
    expect(capUses(surface, [])).toEqual([]);
  });
});
