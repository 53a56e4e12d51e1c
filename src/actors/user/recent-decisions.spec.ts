import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findByNonce, findByRequestId, recentWithout, rememberDecision } from './recent-decisions.js';

test('any requestId is found again, with its hash and sequence', () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }), {
    minLength: 1,
    maxLength: 10,
  });
  fc.assert(
    fc.property(ids, (requestIds) => {
      let recent: readonly string[] = [];
      requestIds.forEach((requestId, i) => {
        recent = rememberDecision(
          recent,
          { nonce: `n${i}`, sequence: i + 1, purpose: 'p', requestHash: `h${i}`, requestId },
          64,
        );
      });
      requestIds.forEach((requestId, i) => {
        const expected = { nonce: `n${i}`, sequence: i + 1, purpose: 'p', requestHash: `h${i}`, requestId };
        expect(findByRequestId(recent, requestId)).toEqual(expected);
        expect(findByNonce(recent, `n${i}`)).toEqual(expected);
      });
    }),
  );
});

test('a requestId that ends like another one is not it', () => {
  const recent = rememberDecision([], { nonce: 'n', sequence: 1, purpose: 'p', requestHash: 'h', requestId: 'a b' }, 4);
  expect(findByRequestId(recent, 'b')).toBeUndefined();
});

test('the oldest is forgotten above the limit', () => {
  let recent: readonly string[] = [];
  for (let i = 1; i <= 5; i++) {
    recent = rememberDecision(recent, { nonce: `n${i}`, sequence: i, purpose: 'p', requestHash: '', requestId: '' }, 3);
  }
  expect(recent).toHaveLength(3);
  expect(findByNonce(recent, 'n2')).toBeUndefined();
  expect(findByNonce(recent, 'n3')).toMatchObject({ sequence: 3 });
});

test('what hangs on a purpose goes with it', () => {
  let recent: readonly string[] = [];
  for (const [nonce, purpose] of [
    ['n1', 'p'],
    ['n2', 'q'],
  ] as const)
    recent = rememberDecision(recent, { nonce, sequence: 1, purpose, requestHash: 'q', requestId: 'q q' }, 4);
  const left = recentWithout(recent, (purpose) => purpose === 'q');
  expect(findByNonce(left, 'n1')).toMatchObject({ purpose: 'p', requestId: 'q q' });
  expect(findByNonce(left, 'n2')).toBeUndefined();
});
