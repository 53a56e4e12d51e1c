import { describe, expect, it } from '@jest/globals';
import { VALIDATED } from '../../messages/decisions.js';
import { readDecisionRequest } from './decision-request.js';

const body = (over: object = {}) => ({ surface: 's', subject: { kind: 'rider', id: 'a.b' }, ...over });

describe('readDecisionRequest', () => {
  it('fills in defaults, addresses the subject and marks the request as checked', () => {
    const { request, token } = readDecisionRequest(body({ candidates: [{ id: 'x' }] }));
    expect(token).toBe('a=2Eb');
    expect(request).toMatchObject({
      context: {},
      candidates: [{ id: 'x', features: {}, nonPersonal: true }],
      [VALIDATED]: true,
    });
    expect(JSON.stringify(request)).not.toContain('validated');
  });

  it('requires a subject, which NATS does not', () => {
    expect(() => readDecisionRequest({ surface: 's' })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', field: 'subject' }),
    );
  });

  it('counts candidates before it looks at them', () => {
    const candidates = new Array(10_000).fill(null);
    expect(() => readDecisionRequest(body({ candidates }))).toThrow(
      expect.objectContaining({ code: 'CANDIDATES_TOO_MANY', field: 'candidates' }),
    );
  });

  it('refuses a token before the owner is asked', () => {
    expect(() => readDecisionRequest(body({ after: '?' }))).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }));
    expect(() => readDecisionRequest(body({ after: '1.a.abc' }))).not.toThrow();
  });

  it.each([null, undefined, 7, 'text', []])('refuses the body %j', (value) => {
    expect(() => readDecisionRequest(value)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});
