import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OrderedMap } from './ordered-map.js';

const keys = fc.oneof(
  fc.constantFrom('', 'a', '__proto__', 'constructor', '10', '9', 'é', '🛺'),
  fc.integer({ min: 0, max: 200 }).map(String),
);
const changes = fc.array(fc.tuple(keys, fc.option(fc.integer(), { nil: undefined })), { maxLength: 300 });
const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

describe('OrderedMap', () => {
  it('is after any changes what a Map is, in the order of the keys, and no map before it has changed', () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const model = new Map<string, number>();
        let map = OrderedMap.empty<number>();
        const earlier: [OrderedMap<number>, (readonly [string, number])[]][] = [];
        for (const [key, value] of steps) {
          earlier.push([map, [...map]]);
          if (value === undefined) model.delete(key);
          else model.set(key, value);
          map = value === undefined ? map.without(key) : map.with(key, value);
          expect(map.size).toBe(model.size);
          expect(map.get(key)).toBe(value);
        }
        const sorted = [...model].sort(byKey);
        expect([...map]).toEqual(sorted);
        for (const index of [0, 1, Math.floor(sorted.length / 2), sorted.length, sorted.length + 3])
          expect([...map.entries(index)]).toEqual(sorted.slice(index));
        for (const [was, entries] of earlier) expect([...was]).toEqual(entries);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['rising', (i: number) => String(i).padStart(6, '0')],
    ['falling', (i: number) => String(99_999 - i).padStart(6, '0')],
    ['scattered', (i: number) => String((i * 7919) % 20_011)],
  ])('stays flat with %s keys, and while they are taken out again', (_, keyOf) => {
    let map = OrderedMap.empty<number>();
    for (let i = 0; i < 20_000; i++) map = map.with(keyOf(i), i);
    expect(heightOf(map)).toBeLessThanOrEqual(30);
    for (let i = 0; i < 19_000; i++) map = map.without(keyOf(i));
    expect(map.size).toBe(1_000);
    expect(heightOf(map)).toBeLessThanOrEqual(24);
  });
});

interface Shape {
  readonly left?: Shape;
  readonly right?: Shape;
}
const heightOf = (map: OrderedMap<unknown>): number => {
  const height = (tree: Shape | undefined): number =>
    tree === undefined ? 0 : 1 + Math.max(height(tree.left), height(tree.right));
  return height((map as unknown as { root: Shape | undefined }).root);
};
