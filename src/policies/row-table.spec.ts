import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  GroupTable,
  indexOfKey,
  packGroups,
  packKeys,
  packRows,
  readNumber,
  readTuple,
  RowTable,
} from './row-table.js';

/** Half a surrogate pair among them, and what an object takes for something else. */
const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '__proto__', 'constructor', 'toString', '0', '10', '2', '\ud800', '\udc00a', 'é', 'z'),
);
const value = fc.double({ noNaN: true, noDefaultInfinity: true });
const recordOf = <T>(of: fc.Arbitrary<T>) =>
  fc.array(fc.tuple(key, of), { maxLength: 40 }).map((entries) => Object.fromEntries(entries));

describe('a table of rows', () => {
  it('gives of each key what was packed under it, to the bit, and nothing of any other', () => {
    fc.assert(
      fc.property(recordOf(fc.tuple(value, value)), fc.array(key), (record, others) => {
        const table = new RowTable<[number, number]>(structuredClone(packRows(record, 2)), readTuple);
        for (const id of [...Object.keys(record), ...others]) {
          const found = table.get(id);
          if (!Object.hasOwn(record, id)) expect(found).toBeUndefined();
          else expect(found!.every((x, i) => Object.is(x, record[id]![i]))).toBe(true);
        }
      }),
    );
  });

  it('gives the same object for the same key: caches go by it', () => {
    const table = new RowTable<[number, number]>(packRows({ a: [1, 2], b: [3, 4] }, 2), readTuple);
    expect(table.get('b')).toBe(table.get('b'));
    expect(table.get('b')).toEqual([3, 4]);
  });

  it('in groups finds no key of another group', () => {
    fc.assert(
      fc.property(recordOf(recordOf(value)), fc.array(key, { maxLength: 5 }), (record, others) => {
        const table = new GroupTable(packGroups(record, 1), readNumber);
        const names = [...Object.keys(record), ...others];
        const ids = [...names, ...Object.values(record).flatMap((row) => Object.keys(row))];
        for (const name of names) {
          const group = table.group(name);
          expect(group !== undefined).toBe(Object.hasOwn(record, name));
          if (group === undefined) continue;
          for (const id of ids) {
            const expected = Object.hasOwn(record[name]!, id) ? record[name]![id]! : undefined;
            expect(Object.is(group.get(id), expected)).toBe(true);
          }
        }
      }),
    );
  });

  it('finds a key among twenty thousand in as many steps as halving takes, however the keys were chosen', () => {
    const sorted = Array.from({ length: 20_000 }, (_, i) => `${'a'.repeat(40)}${String(i).padStart(6, '0')}`);
    const packed = packKeys(sorted);
    let looked = 0;
    const ends = new Proxy(packed.ends, {
      get: (target, name) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) looked++;
        return Reflect.get(target, name, target) as unknown;
      },
    });
    expect(indexOfKey({ ...packed, ends }, sorted[12_345]!)).toBe(12_345);
    // Where the key begins and where it ends, at each step.
    expect(looked).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(20_001)));
  });
});
