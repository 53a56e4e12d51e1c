import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { START_MS, surfaceWith, uniformPolicy } from '../../../test/support/user-actor.js';
import { parseDecisionId } from '../../messages/tokens.js';
import { loadPolicies } from '../../policies/declared-policies.js';
import { createFallbackDecider } from './fallback.js';
import { parseDecisionRequest } from './request.js';

const declared = loadPolicies('config/policies');
const decider = (overrides: object = {}) => {
  const surface = surfaceWith({ fallback: ['nearest-static'], exploration: { floor: 0.3 }, ...overrides });
  return createFallbackDecider({
    surfaces: new Map([[surface.id, surface]]),
    policies: { get: (id) => (id === 'live' ? uniformPolicy('live') : declared.get(id)) },
    samplingKey: createSecretKey('key', 'utf8'),
    nowMs: () => START_MS,
  });
};
const candidates = [
  { id: 'far', features: { distanceM: 90 } },
  { id: 'near', features: { distanceM: 10 } },
];
const request = (extra: object = {}) => parseDecisionRequest({ surface: 'test.offer', candidates, ...extra });

describe('the answer while an owner is down', () => {
  test('comes from the static end of the chain, without exploring, and says so', () => {
    const answer = decider().decide(request(), 'OWNER_UNREACHABLE');
    expect(answer).toMatchObject({
      slate: [{ id: 'near', propensity: 1 }],
      policy: { id: 'nearest-static' },
      personalized: false,
      degraded: ['owner'],
      fallbackReason: 'OWNER_UNREACHABLE',
      token: '',
      validUntil: new Date(START_MS + 60_000).toISOString(),
    });
    expect(parseDecisionId(answer.decisionId)).toMatchObject({ kind: 'anon' });
  });

  test.each([
    [{ nonPersonal: false }, {}, 'consent'],
    [{ campaign: 'c1' }, {}, 'budget'],
    [{ category: 'x' }, { caps: [{ scope: 'category', max: 1, windowMs: 1000, name: 'x' }] }, 'cap.x'],
  ])('leaves out a candidate with %j', (extra, surface, rule) => {
    const [first] = candidates;
    const answer = decider(surface).decide(request({ candidates: [{ ...first, ...extra }, { id: 'plain' }] }), 'down');
    expect(answer.filtered).toEqual([{ id: 'far', rule }]);
    expect(answer.slate.map(({ id }) => id)).toEqual(['plain']);
  });

  test('shows nothing where the whole surface is capped or has only a source', () => {
    const caps = [{ scope: 'surface', max: 1, windowMs: 1000 }];
    expect(decider({ caps }).decide(request(), 'down').slate).toEqual([]);
    const sourced = decider({ candidates: { source: 'zones' } }).decide(request({ candidates: undefined }), 'down');
    expect(sourced).toMatchObject({ slate: [], degraded: ['owner', 'candidates'] });
  });

  test('refuses what an owner would refuse', () => {
    expect(() => decider().decide(request({ surface: 'nowhere' }), 'down')).toThrow('no surface');
  });
});
