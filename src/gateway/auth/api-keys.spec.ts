import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { authenticator, TRUSTED } from './api-keys.js';

const keyOf = (name: string, secret: string) => ({
  name,
  sha256: createHash('sha256').update(secret).digest('hex'),
  scopes: ['decide'] as const,
});

describe('authenticator', () => {
  const authenticate = authenticator([keyOf('app', 's3cret'), keyOf('ops', 'other')]);

  it('lets everybody in where no keys are configured', () => {
    expect(authenticator([])({})).toBe(TRUSTED);
  });

  it.each([
    [{ authorization: 'Bearer s3cret' }, 'app'],
    [{ authorization: 'bearer  other' }, 'ops'],
    [{ 'x-api-key': 'other' }, 'ops'],
    [{ authorization: 'Basic eDp5', 'x-api-key': 's3cret' }, 'app'],
  ])('knows the caller by %j', (headers, name) => {
    expect(authenticate(headers)).toMatchObject({ name, key: name, scopes: new Set(['decide']) });
  });

  it.each([
    [{}, 'API_KEY_MISSING'],
    [{ authorization: 'Bearer' }, 'API_KEY_MISSING'],
    [{ 'x-api-key': '' }, 'API_KEY_MISSING'],
    [{ 'x-api-key': ['s3cret', 's3cret'] }, 'API_KEY_MISSING'],
    [{ authorization: 'Bearer s3cre' }, 'API_KEY_INVALID'],
    [{ authorization: `Bearer ${keyOf('app', 's3cret').sha256}` }, 'API_KEY_INVALID'],
  ])('refuses %j', (headers, code) => {
    expect(() => authenticate(headers)).toThrow(expect.objectContaining({ code, family: 'Unauthenticated' }));
  });
});
