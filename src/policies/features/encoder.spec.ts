import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { experience } from '../../../test/support/learning.js';
import { candidateSchema } from '../../messages/decisions.js';
import type { DecisionContext } from '../policy.js';
import { FeatureEncoder, sourcesOfDecision, sourcesOfExperience, type FeatureSources } from './encoder.js';
import { FEATURES_MAX, featureSpecSchema } from './spec.js';

const encoderOf = (...terms: unknown[]) => new FeatureEncoder(featureSpecSchema.parse({ terms }));
const sources = (part: Partial<FeatureSources> = {}): FeatureSources => ({
  context: {},
  subject: {},
  candidate: {},
  candidateId: 'c',
  ...part,
});
const encoded = (encoder: FeatureEncoder, part?: Partial<FeatureSources>): number[] => {
  const into = new Float64Array(encoder.size).fill(Number.NaN);
  encoder.encode(sources(part), into);
  return [...into];
};

const EVERYTHING = [
  { kind: 'bias' },
  { kind: 'number', from: 'context', name: 'hour', offset: 12, scale: 0.1, missing: -1 },
  { kind: 'number', from: 'candidate', name: 'price', limit: 5 },
  { kind: 'category', from: 'context', name: 'day', levels: ['mon', 'tue'], other: true },
  { kind: 'hashed', from: 'context', name: 'query', buckets: 8, split: 'words', signed: true },
  { kind: 'hashed', from: 'subject', name: 'trips', buckets: 4 },
  { kind: 'identity', buckets: 5 },
  { kind: 'cross', of: ['context.day', 'candidate.price'] },
];

describe('a feature encoder', () => {
  it('scales and clamps numbers, and counts true as 1', () => {
    const encoder = encoderOf(
      { kind: 'number', from: 'context', name: 'a', offset: 10, scale: 0.5 },
      { kind: 'number', from: 'context', name: 'b', limit: 3 },
      { kind: 'number', from: 'context', name: 'c' },
    );
    expect(encoded(encoder, { context: { a: 14, b: 1e300, c: true } })).toEqual([2, 3, 1]);
    expect(encoded(encoder, { context: { a: 1e308, b: -1e308, c: false } })).toEqual([100, -3, 0]);
  });

  it.each<Record<string, string | number>>([{}, { x: 'text' }, { x: Number.NaN }, { x: Number.POSITIVE_INFINITY }])(
    'has a stated number for what is missing: %j',
    (context) => {
      const number = { kind: 'number', from: 'context', name: 'x' };
      expect(encoded(encoderOf(number), { context })).toEqual([0]);
      expect(encoded(encoderOf({ ...number, missing: -2 }), { context })).toEqual([-2]);
    },
  );

  it('has one number a level, and one for all others if asked', () => {
    const term = { kind: 'category', from: 'context', name: 'x', levels: ['1', 'true', 'z'] };
    expect(encoded(encoderOf(term), { context: { x: 1 } })).toEqual([1, 0, 0]);
    expect(encoded(encoderOf(term), { context: { x: true } })).toEqual([0, 1, 0]);
    expect(encoded(encoderOf(term), { context: { x: 'other' } })).toEqual([0, 0, 0]);
    expect(encoded(encoderOf({ ...term, other: true }), { context: { x: 'other' } })).toEqual([0, 0, 0, 1]);
    expect(encoded(encoderOf({ ...term, other: true }))).toEqual([0, 0, 0, 0]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('knows no %s that nobody gave', (name) => {
    const encoder = encoderOf(
      { kind: 'hashed', from: 'context', name, buckets: 4 },
      { kind: 'category', from: 'subject', name, levels: [name], other: true },
    );
    expect(encoded(encoder)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('hashes UTF-8 by FNV-1a, so that any language can do the same', () => {
    // Its definition, and the published value for "a".
    const fnv = (bytes: readonly number[]): number =>
      bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
    expect(fnv([0x61])).toBe(0xe40c292c);
    for (const text of ['a', 'é', '日本', '🚕']) {
      const hash = fnv([...Buffer.from(text, 'utf8')]);
      const expected = new Array<number>(16).fill(0);
      expected[(hash % 0x80000000) % 16] = hash >= 0x80000000 ? -1 : 1;
      const encoder = encoderOf({ kind: 'hashed', from: 'context', name: 'x', buckets: 16, signed: true });
      expect(encoded(encoder, { context: { x: text } })).toEqual(expected);
    }
  });

  it('makes of words a vector of length 1, whatever their order and case', () => {
    const encoder = encoderOf({ kind: 'hashed', from: 'context', name: 'x', buckets: 64, split: 'words' });
    const vector = encoded(encoder, { context: { x: 'Where is my card?' } });
    expect(Math.hypot(...vector)).toBeCloseTo(1, 12);
    expect(encoded(encoder, { context: { x: 'CARD, my -- is where' } })).toEqual(vector);
    expect(encoded(encoder, { context: { x: '?!' } }).every((value) => value === 0)).toBe(true);
  });

  it('crosses terms, and names each product', () => {
    const encoder = encoderOf(
      { kind: 'category', from: 'context', name: 'day', levels: ['mon', 'tue'], as: 'day' },
      { kind: 'number', from: 'candidate', name: 'price' },
      { kind: 'cross', of: ['day', 'candidate.price'] },
    );
    expect(encoded(encoder, { context: { day: 'tue' }, candidate: { price: 7 } })).toEqual([0, 1, 7, 0, 7]);
    expect([0, 1, 2, 3, 4].map((i) => encoder.nameOf(i))).toEqual([
      'day=mon',
      'day=tue',
      'candidate.price',
      'day=mon×candidate.price',
      'day=tue×candidate.price',
    ]);
  });

  it('tells whether candidates of one decision may differ', () => {
    expect(encoderOf({ kind: 'bias' }, { kind: 'number', from: 'subject', name: 'x' }).perCandidate).toBe(false);
    expect(encoderOf(...EVERYTHING).perCandidate).toBe(true);
    expect(encoderOf({ kind: 'identity', buckets: 2 }).perCandidate).toBe(true);
  });

  it('gives the same vector for a decision, for the next candidate of one, and for the experience that comes of it', () => {
    const encoder = encoderOf(...EVERYTHING);
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    const id = fc.string({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        id,
        id,
        fc.record(
          { hour: number, day: fc.constantFrom('mon', 'tue', 'sun'), query: fc.string() },
          { requiredKeys: [] },
        ),
        fc.record({ price: number }, { requiredKeys: [] }),
        fc.record({ trips: number }, { requiredKeys: [] }),
        (first, second, context, features, subject) => {
          const decision: DecisionContext = {
            surface: 's',
            subjectKind: 'rider',
            personalized: true,
            context,
            features: subject,
            nowMs: 0,
          };
          const candidate = candidateSchema.parse({ id: second, features });
          const served = new Float64Array(encoder.size);
          encoder.encode(sourcesOfDecision(decision, candidate), served);
          const next = new Float64Array(encoder.size);
          encoder.encode(
            sourcesOfDecision(decision, candidateSchema.parse({ id: first, features: { price: 3 } })),
            next,
          );
          encoder.encodeNext(sourcesOfDecision(decision, candidate), next);
          // Through JSON, as it comes from the stream; JSON has no −0, which the log therefore loses.
          const logged = JSON.parse(
            JSON.stringify(experience({ context, subject, features: Object.fromEntries([[second, features]]) })),
          ) as ReturnType<typeof experience>;
          const learned = new Float64Array(encoder.size);
          encoder.encode(sourcesOfExperience(logged, second), learned);
          expect([...next]).toEqual([...served]);
          expect([...learned].map((x) => x + 0)).toEqual([...served].map((x) => x + 0));
          expect(served.every(Number.isFinite)).toBe(true);
        },
      ),
    );
  });

  it('treats an experience that logged nothing as one in which all is missing', () => {
    const encoder = encoderOf(...EVERYTHING);
    const vector = new Float64Array(encoder.size);
    encoder.encode(sourcesOfExperience(experience(), 'c'), vector);
    expect([...vector]).toEqual(encoded(encoder));
  });
});

describe('the schema of features', () => {
  it.each([
    [[], 'terms'],
    [[{ kind: 'bias' }, { kind: 'bias' }], 'terms.1'],
    [[{ kind: 'number', from: 'context', name: 'x', scale: 0 }], 'terms.0.scale'],
    [[{ kind: 'number', from: 'nowhere', name: 'x' }], 'terms.0.from'],
    [[{ kind: 'number', from: 'context', name: 'x', offset: Number.NaN }], 'terms.0.offset'],
    [[{ kind: 'category', from: 'context', name: 'x', levels: ['a', 'a'] }], 'terms.0.levels'],
    [[{ kind: 'hashed', from: 'context', name: 'x', buckets: FEATURES_MAX + 1 }], 'terms.0.buckets'],
    [[{ kind: 'bias' }, { kind: 'cross', of: ['bias', 'later'] }], 'terms.1.of.1'],
    [[{ kind: 'magic' }], 'terms.0.kind'],
    [
      [
        { kind: 'identity', buckets: 100 },
        { kind: 'cross', of: ['candidate.id', 'candidate.id'] },
      ],
      'terms',
    ],
  ])('refuses %j', (terms, field) => {
    const { error } = featureSpecSchema.safeParse({ terms });
    expect(error?.issues[0]!.path.join('.')).toBe(field);
  });
});
