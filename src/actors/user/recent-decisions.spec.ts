import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findByNonce, findByRequestId, rememberDecision } from './recent-decisions.js';

test('any requestId is found again, with its hash and sequence', () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }), {
    minLength: 1,
    maxLength: 10,
  });
  fc.assert(
    fc.property(ids, (requestIds) => {
      let recent: readonly string[] = [];
      requestIds.forEach((requestId, i) => {
        recent = rememberDecision(recent, { nonce: `n${i}`, sequence: i + 1, requestHash: `h${i}`, requestId }, 64);
      });
      requestIds.forEach((requestId, i) => {
        const expected = { nonce: `n${i}`, sequence: i + 1, requestHash: `h${i}`, requestId };
        expect(findByRequestId(recent, requestId)).toEqual(expected);
        expect(findByNonce(recent, `n${i}`)).toEqual(expected);
      });
    }),
  );
});

test('a requestId that ends like another one is not it', () => {
  const recent = rememberDecision([], { nonce: 'n', sequence: 1, requestHash: 'h', requestId: 'a b' }, 4);
  expect(findByRequestId(recent, 'b')).toBeUndefined();
});

test('the oldest is forgotten above the limit', () => {
  let recent: readonly string[] = [];
  for (let i = 1; i <= 5; i++) {
    recent = rememberDecision(recent, { nonce: `n${i}`, sequence: i, requestHash: '', requestId: '' }, 3);
  }
  expect(recent).toHaveLength(3);
  expect(findByNonce(recent, 'n2')).toBeUndefined();
  expect(findByNonce(recent, 'n3')).toMatchObject({ sequence: 3 });
});
