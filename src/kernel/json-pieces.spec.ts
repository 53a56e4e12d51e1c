import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JsonEntries, JsonItems, jsonPieces } from './json-pieces.js';

const text = (value: object): string => [...jsonPieces(value)].join('');

describe('JSON in pieces', () => {
  it('is what JSON.stringify gives, for whatever there is', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.object({ maxDepth: 5, maxKeys: 50 }), fc.array(fc.anything({ maxDepth: 3 }))),
        (value) => {
          // What throws for one of them throws for the other: bigints.
          let whole: string;
          try {
            whole = JSON.stringify(value);
          } catch {
            return;
          }
          expect(text(value)).toBe(whole);
        },
      ),
    );
  });

  it('leaves out and replaces what JSON.stringify leaves out and replaces, wide containers included', () => {
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i % 3 === 0 ? undefined : i]));
    const list = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? undefined : { i, nan: NaN, at: new Date(i) }));
    const value = { wide, list, none: undefined, empty: {}, nothing: [], null: null, speaker: { toJSON: () => wide } };
    expect(text(value)).toBe(JSON.stringify(value));
    expect(text({ a: { b: wide, c: { d: wide } } })).toBe(JSON.stringify({ a: { b: wide, c: { d: wide } } }));
  });

  it('draws items and entries while it goes, an item at a time', () => {
    let drawn = 0;
    function* items(): Generator<[string, number]> {
      for (let i = 0; i < 10_000; i++) yield [`timer-${i}`, ++drawn];
    }
    const pieces = jsonPieces({ before: 1, timers: new JsonItems(items()), after: 2 });
    pieces.next();
    expect(drawn).toBeGreaterThan(0);
    expect(drawn).toBeLessThan(2_000);
    expect([...pieces].every((piece) => piece.length < 16_000)).toBe(true);
    const map = new Map([
      ['a', { x: 1 }],
      ['__proto__', { x: 2 }],
    ]);
    expect(text({ entries: new JsonEntries(map) })).toBe('{"entries":{"a":{"x":1},"__proto__":{"x":2}}}');
    expect(text({ items: new JsonItems([]), entries: new JsonEntries([]) })).toBe('{"items":[],"entries":{}}');
    expect(JSON.stringify(new JsonItems(['a', 1]))).toBe('["a",1]');
  });
});
