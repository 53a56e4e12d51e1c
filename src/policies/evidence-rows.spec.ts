import { expect, it } from '@jest/globals';
import { numbersByKey, numbersByKeys, tuplesByKey, tuplesByKeys } from './evidence-rows.js';

const BOUNDS = { min: 0, max: 10 };

it.each([
  ['numbers', numbersByKey(BOUNDS), { a: 1, b: 11 }, ['b'], 'must be from 0 to 10'],
  ['numbers', numbersByKey(BOUNDS), { a: '1' }, ['a'], 'must be a finite number'],
  ['numbers', numbersByKey(BOUNDS), [1], [], 'must be an object'],
  ['numbers', numbersByKey(BOUNDS), undefined, [], 'must be an object'],
  ['numbers by two keys', numbersByKeys(BOUNDS), { s: { a: 1, b: Infinity } }, ['s', 'b'], 'must be a finite number'],
  ['numbers by two keys', numbersByKeys(BOUNDS), { s: null }, ['s'], 'must be an object'],
  ['lists', tuplesByKey([BOUNDS, BOUNDS]), { a: [1, 2], b: [1, -1] }, ['b', 1], 'must be from 0 to 10'],
  ['lists', tuplesByKey([BOUNDS, BOUNDS]), { a: [1] }, ['a'], 'must be a list of 2 numbers'],
  ['lists by two keys', tuplesByKeys([BOUNDS]), { s: { a: [NaN] } }, ['s', 'a', 0], 'must be a finite number'],
])('%s: what is wrong is named where it is', (_, schema, value, path, message) => {
  const { error } = schema.safeParse(value);
  expect(error?.issues).toEqual([expect.objectContaining({ path, message })]);
});

it('gives a copy, so that whoever goes on counting does not change a policy, and keeps every key', () => {
  const given = JSON.parse('{"a":[1,2],"__proto__":[3,4]}') as Record<string, number[]>;
  const read = tuplesByKey<[number, number]>([BOUNDS, BOUNDS]).parse(given);
  given['a']![0] = 9;
  expect(Object.entries(read)).toEqual([
    ['a', [1, 2]],
    ['__proto__', [3, 4]],
  ]);
});
