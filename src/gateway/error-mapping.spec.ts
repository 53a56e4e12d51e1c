import { describe, expect, it } from '@jest/globals';
import { EngineError, type ErrorFamily } from '../kernel/errors.js';
import { toEngineError, toHttpError } from './error-mapping.js';

describe('toHttpError', () => {
  it.each<[ErrorFamily, number, number | undefined]>([
    ['InvalidRequest', 400, undefined],
    ['Unauthenticated', 401, undefined],
    ['Forbidden', 403, undefined],
    ['NotFound', 404, undefined],
    ['Conflict', 409, undefined],
    ['Overloaded', 429, 1],
    ['Invariant', 500, undefined],
    ['Dependency', 503, 1],
    ['StaleOwner', 503, 1],
  ])('answers %s with %i', (family, status, retryAfterSeconds) => {
    expect(toHttpError(new EngineError(family, 'X_Y', 'why'), 't')).toMatchObject({ status, retryAfterSeconds });
  });

  it('rounds the wait up to whole seconds', () => {
    const wait = (retryAfterMs: number) =>
      toHttpError(new EngineError('Overloaded', 'X_Y', 'm', { retryAfterMs }), 't').retryAfterSeconds;
    expect([wait(1), wait(1000), wait(1001)]).toEqual([1, 1, 2]);
  });

  it('keeps what broke inside to itself', () => {
    const { body } = toHttpError(new EngineError('Invariant', 'LEDGER_INVARIANT', 'held 5 of 4'), 't');
    expect(body).toEqual({
      code: 'LEDGER_INVARIANT',
      message: 'The engine failed in a way it did not expect.',
      field: null,
      traceId: 't',
    });
  });
});

describe('toEngineError', () => {
  it.each<[object, string]>([
    [{ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }, 'BODY_TOO_LARGE'],
    [{ statusCode: 415 }, 'MEDIA_TYPE_UNSUPPORTED'],
    [{ getStatus: () => 404 }, 'ROUTE_UNKNOWN'],
    [{ statusCode: 400 }, 'INVALID_REQUEST'],
    [{ statusCode: 500 }, 'INTERNAL'],
    [new TypeError('x'), 'INTERNAL'],
  ])('knows %j as %s', (thrown, code) => {
    expect(toEngineError(thrown).code).toBe(code);
  });

  it.each([null, undefined, 'text', 7])('survives a thrown %j', (thrown) => {
    expect(toEngineError(thrown).code).toBe('INTERNAL');
  });
});
