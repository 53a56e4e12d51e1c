import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { surfaceWith } from '../../../test/support/user-actor.js';
import { EngineError } from '../../kernel/errors.js';
import { decisionRequestSchema } from '../../messages/decisions.js';
import { hashRequest, parseDecisionRequest, surfaceOf } from './request.js';

const errorOf = (run: () => unknown): { code: string; field: string | undefined } => {
  try {
    run();
  } catch (error) {
    if (error instanceof EngineError) return { code: error.code, field: error.field };
    throw error;
  }
  throw new Error('nothing was thrown');
};

const anything = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant({}), fc.constant([1]));
const mostly = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary }, { weight: 1, arbitrary: anything });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(mostly(arbitrary), { nil: undefined, freq: 1 });
const rarely = fc.oneof({ weight: 60, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anything });
const text = (maxLength: number) => fc.string({ minLength: 1, maxLength });
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const candidate = fc.record({
  id: mostly(text(2)),
  features: maybe(fc.dictionary(text(3), mostly(number), { maxKeys: 2 })),
  category: maybe(text(3)),
  campaign: maybe(text(3)),
  nonPersonal: maybe(fc.boolean()),
  surprise: rarely,
});
const requests = fc.record({
  surface: mostly(fc.constant('test.offer')),
  subject: maybe(fc.record({ kind: fc.constantFrom('rider', 'driver'), id: text(3), surprise: rarely })),
  context: maybe(
    fc.dictionary(
      fc.oneof(text(3), fc.constantFrom('lat', 'lng', 'atMs', 'maxDistanceKm')),
      mostly(fc.oneof(text(5), number, fc.boolean())),
      { maxKeys: 2 },
    ),
  ),
  candidates: maybe(fc.array(mostly(candidate), { maxLength: 4 })),
  k: maybe(fc.integer({ min: 0, max: 51 })),
  requestId: maybe(text(5)),
  sessionId: maybe(text(5)),
  deadlineMs: maybe(fc.integer({ min: 1, max: 10_000 })),
  after: maybe(text(5)),
  surprise: rarely,
});

describe('parseDecisionRequest', () => {
  test('accepts what the schema accepts, with the same result, and nothing else but for duplicates', () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(requests, (drawn) => {
        // Over the wire undefined fields are absent.
        const body = JSON.parse(JSON.stringify(drawn)) as unknown;
        const reference = decisionRequestSchema.safeParse(body);
        const ids = reference.data?.candidates?.map(({ id }) => id) ?? [];
        if (reference.success && new Set(ids).size === ids.length) {
          expect(parseDecisionRequest(body)).toEqual(reference.data);
          accepted++;
        } else {
          expect(() => parseDecisionRequest(body)).toThrow(EngineError);
          refused++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });

  test.each([
    ['not an object', 'INVALID_REQUEST', ''],
    [null, 'INVALID_REQUEST', ''],
    [[], 'INVALID_REQUEST', ''],
    [{}, 'INVALID_REQUEST', 'surface'],
    [{ surface: 's', surprise: 1 }, 'INVALID_REQUEST', 'surprise'],
    [{ surface: 's', k: 0 }, 'INVALID_REQUEST', 'k'],
    [{ surface: 's', context: { x: Number.NaN } }, 'INVALID_REQUEST', 'context.x'],
    [{ surface: 's', context: { lat: 999 } }, 'INVALID_REQUEST', 'context.lat'],
    [{ surface: 's', context: { lat: -90.0001, lng: 0 } }, 'INVALID_REQUEST', 'context.lat'],
    [{ surface: 's', context: { lat: '40.7', lng: 0 } }, 'INVALID_REQUEST', 'context.lat'],
    [{ surface: 's', context: { lat: 'NaN' } }, 'INVALID_REQUEST', 'context.lat'],
    [{ surface: 's', context: { lat: true } }, 'INVALID_REQUEST', 'context.lat'],
    [{ surface: 's', context: { lat: Number.NaN } }, 'INVALID_REQUEST', 'context.lat'],
    [{ surface: 's', context: { lat: 1, lng: 180.5 } }, 'INVALID_REQUEST', 'context.lng'],
    [{ surface: 's', context: { maxDistanceKm: -1 } }, 'INVALID_REQUEST', 'context.maxDistanceKm'],
    [{ surface: 's', context: { maxDistanceKm: 1e300 } }, 'INVALID_REQUEST', 'context.maxDistanceKm'],
    [{ surface: 's', context: { atMs: 1e18 } }, 'INVALID_REQUEST', 'context.atMs'],
    [{ surface: 's', context: { atMs: -1 } }, 'INVALID_REQUEST', 'context.atMs'],
    [{ surface: 's', context: { atMs: '2026-01-01' } }, 'INVALID_REQUEST', 'context.atMs'],
    [{ surface: 's', candidates: [{ id: '' }] }, 'INVALID_REQUEST', 'candidates[0].id'],
    [
      { surface: 's', candidates: [{ id: 'a', features: { f: Infinity } }] },
      'INVALID_REQUEST',
      'candidates[0].features.f',
    ],
    [{ surface: 's', candidates: [{ id: 'a', extra: 1 }] }, 'INVALID_REQUEST', 'candidates[0].extra'],
    [{ surface: 's', candidates: [{ id: 'a' }, { id: 'b' }, { id: 'a' }] }, 'CANDIDATE_DUPLICATE', 'candidates[2].id'],
    [
      { surface: 's', candidates: Array.from({ length: 10_000 }, (_, i) => ({ id: `${i}` })) },
      'CANDIDATES_TOO_MANY',
      'candidates',
    ],
    [{ surface: 's', subject: { kind: 'cat', id: '1' } }, 'INVALID_REQUEST', 'subject.kind'],
  ])('refuses %j', (body, code, field) => {
    expect(errorOf(() => parseDecisionRequest(body))).toEqual({ code, field });
  });

  test('finds the duplicate also among many', () => {
    const candidates = Array.from({ length: 100 }, (_, i) => ({ id: `c${i === 70 ? 3 : i}` }));
    expect(errorOf(() => parseDecisionRequest({ surface: 's', candidates }))).toEqual({
      code: 'CANDIDATE_DUPLICATE',
      field: 'candidates[70].id',
    });
  });

  test('hostile names are names like any other', () => {
    const body = JSON.parse(
      '{"surface":"s","candidates":[{"id":"__proto__","features":{"constructor":1}}]}',
    ) as unknown;
    expect(parseDecisionRequest(body).candidates![0]).toMatchObject({ id: '__proto__', features: { constructor: 1 } });
    expect(({} as Record<string, unknown>)['constructor']).toBe(Object);
  });
});

describe('surfaceOf', () => {
  const surfaces = new Map([['test.offer', surfaceWith({ subjectKinds: ['rider'] })]]);
  const request = (extra: object) => parseDecisionRequest({ surface: 'test.offer', candidates: [], ...extra });

  test.each([
    [{ surface: 'nowhere' }, 'UNKNOWN_SURFACE', 'surface'],
    [{ k: 6 }, 'INVALID_REQUEST', 'k'],
    [{ subject: { kind: 'driver', id: '1' } }, 'INVALID_REQUEST', 'subject.kind'],
    [{ candidates: undefined }, 'INVALID_REQUEST', 'candidates'],
  ])('refuses %j', (extra, code, field) => {
    const given = JSON.parse(JSON.stringify({ ...request({}), ...extra })) as object;
    expect(errorOf(() => surfaceOf(parseDecisionRequest(given), surfaces))).toEqual({ code, field });
  });
});

describe('hashRequest', () => {
  const hashOf = (body: unknown) => hashRequest(parseDecisionRequest(body));
  const asked = { surface: 's', context: { a: 1, b: 2 }, candidates: [{ id: 'x', features: { f: 1, g: 2 } }], k: 1 };

  test('is the same for the same question, whatever the order of fields, the deadline and the token', () => {
    const again = { k: 1, candidates: [{ features: { g: 2, f: 1 }, id: 'x' }], context: { b: 2, a: 1 }, surface: 's' };
    expect(hashOf({ ...again, deadlineMs: 5, after: '0.1.x' })).toBe(hashOf(asked));
  });

  test.each([[{ k: 2 }], [{ context: { a: 1 } }], [{ candidates: [{ id: 'y' }] }], [{ surface: 't' }]])(
    'differs with %j',
    (change) => {
      expect(hashOf({ ...asked, ...change })).not.toBe(hashOf(asked));
    },
  );
});
