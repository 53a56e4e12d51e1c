import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  CONTEXT_BYTES_MAX,
  CONTEXT_KEYS_MAX,
  FEATURES_BYTES_MAX,
  FEATURES_MAX,
  FEATURES_TOTAL_MAX,
} from '../../messages/decisions.js';
import { answerRequest } from '../host/wire-request.js';
import { parseDecisionRequest } from './request.js';

const refusal = (run: () => unknown): { code: string; field?: string | undefined } | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    const { code, field } = error as { code: string; field?: string };
    return { code, field };
  }
};

const keys = (count: number, value: (i: number) => unknown = (i) => i, name = (i: number): string => `k${i}`): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), value(i)]));
const withContext = (context: unknown) => ({ surface: 's', context });
const withFeatures = (...features: unknown[]) => ({
  surface: 's',
  candidates: features.map((one, i) => ({ id: `c${i}`, features: one })),
});
/** 64 bytes and different for each i. */
const longName = (i: number): string => `${i}`.padEnd(64, 'x');

describe('what a request may hold', () => {
  test.each<[string, unknown, string, string?]>([
    ['a context of the most keys', withContext(keys(CONTEXT_KEYS_MAX)), 'accepted', ''],
    ['a context of a key more', withContext(keys(CONTEXT_KEYS_MAX + 1)), 'CONTEXT_KEYS_TOO_MANY', 'context'],
    // Whatever the values are: nobody looks at them.
    ['a context of very many wrong keys', withContext(keys(50_000, () => null)), 'CONTEXT_KEYS_TOO_MANY', 'context'],
    ['a context of long texts', withContext(keys(100, () => 'x'.repeat(200))), 'CONTEXT_TOO_LARGE', 'context'],
    ['a context of wide texts', withContext(keys(50, () => '界'.repeat(150))), 'CONTEXT_TOO_LARGE', 'context'],
    ['a context of texts that fit', withContext(keys(60, () => 'x'.repeat(250))), 'accepted', ''],
    ['an object in a context', withContext({ a: 1, b: { c: 1 } }), 'CONTEXT_TOO_DEEP', 'context.b'],
    ['a list in a context', withContext({ a: [[[]]] }), 'CONTEXT_TOO_DEEP', 'context.a'],
    ['null in a context', withContext({ a: null }), 'INVALID_REQUEST', 'context.a'],
    ['features of the most keys', withFeatures(keys(FEATURES_MAX)), 'accepted', ''],
    ['a feature more', withFeatures({}, keys(FEATURES_MAX + 1)), 'FEATURES_KEYS_TOO_MANY', 'candidates[1].features'],
    [
      'very many wrong features',
      withFeatures(keys(50_000, String)),
      'FEATURES_KEYS_TOO_MANY',
      'candidates[0].features',
    ],
    [
      'features of long names',
      withFeatures(keys(65, Number, longName)),
      'FEATURES_TOO_LARGE',
      'candidates[0].features',
    ],
    ['features of names that fit', withFeatures(keys(64, Number, longName)), 'accepted', ''],
    ['an object among features', withFeatures({ a: { b: 1 } }), 'FEATURES_TOO_DEEP', 'candidates[0].features.a'],
    ['as many features together', withFeatures(...Array.from({ length: 128 }, () => keys(128))), 'accepted', ''],
    [
      'more features together',
      withFeatures(...Array.from({ length: 129 }, () => keys(128))),
      'FEATURES_KEYS_TOO_MANY',
      'candidates',
    ],
  ])('%s', (_what, body, code, field) => {
    expect(refusal(() => parseDecisionRequest(body))).toEqual(code === 'accepted' ? undefined : { code, field });
  });

  test('its bounds are reached on the fast way and on the thorough one alike', () => {
    const context = fc.dictionary(fc.string({ minLength: 1, maxLength: 64 }), fc.oneof(fc.integer(), fc.string()), {
      maxKeys: CONTEXT_KEYS_MAX + 20,
      size: 'max',
    });
    fc.assert(
      fc.property(context, (drawn) => {
        const names = Object.entries(drawn);
        const bytes = names.reduce(
          (sum, [k, v]) => sum + Buffer.byteLength(k) + Buffer.byteLength(typeof v === 'string' ? v : ''),
          0,
        );
        const tooLong = names.some(([, v]) => typeof v === 'string' && v.length > 256);
        const fits = names.length <= CONTEXT_KEYS_MAX && bytes <= CONTEXT_BYTES_MAX && !tooLong;
        expect(refusal(() => parseDecisionRequest(withContext(drawn))) === undefined).toBe(fits);
      }),
    );
    expect(FEATURES_BYTES_MAX).toBe(64 * 64);
    expect(FEATURES_TOTAL_MAX).toBe(128 * 128);
  });

  test('one wrong value is named, and not each of them', () => {
    const body = withFeatures(...Array.from({ length: 100 }, () => keys(100, String)));
    expect(refusal(() => parseDecisionRequest(body))).toEqual({
      code: 'INVALID_REQUEST',
      field: 'candidates[0].features.k0',
    });
  });
});

describe('over NATS', () => {
  const ask = async (payload: string): Promise<unknown> => {
    const request = { subject: 'attune.p.0.req.app.user.42.decide', payload: Buffer.from(payload), trace: undefined };
    const answers = {
      actor: (_address: unknown, _verb: string, body: unknown) =>
        Promise.resolve({ surface: parseDecisionRequest(body).surface }),
      knows: () => true,
      partition: () => Promise.reject(new Error('not asked')),
    };
    return JSON.parse(Buffer.from(await answerRequest(request, answers)).toString('utf8'));
  };

  test.each([
    [JSON.stringify(withContext(keys(CONTEXT_KEYS_MAX + 1))), 'CONTEXT_KEYS_TOO_MANY'],
    [JSON.stringify(withFeatures(keys(FEATURES_MAX + 1))), 'FEATURES_KEYS_TOO_MANY'],
    ['['.repeat(2_000_000), 'JSON_TOO_DEEP'],
    [`{"surface":"s","x":${'['.repeat(40)}${']'.repeat(40)}}`, 'JSON_TOO_DEEP'],
    [`{"surface":"s","x":[${'0,'.repeat(300_000)}0]}`, 'JSON_TOO_MANY_TOKENS'],
    [JSON.stringify(keys(3000)), 'JSON_TOO_MANY_KEYS'],
    ['{', 'JSON_MALFORMED'],
  ])('%.30s… is %s', async (payload, code) => {
    expect(await ask(payload)).toMatchObject({ error: { family: 'InvalidRequest', code } });
  });

  test('what is within the bounds is answered', async () => {
    expect(await ask('{"surface":"s"}')).toEqual({ surface: 's' });
  });
});
