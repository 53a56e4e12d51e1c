import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { excessOf, isExcess, parseBoundedJson, parseBoundedText, type JsonBounds } from './bounded-json.js';

const bounds = (over: Partial<JsonBounds> = {}): JsonBounds => ({
  bytesMax: 1_000_000,
  depthMax: 8,
  tokensMax: 1000,
  keysMax: 100,
  ...over,
});

const codeOf = (text: string | Uint8Array, over: Partial<JsonBounds> = {}): string | undefined =>
  excessOf(Buffer.from(text as string), bounds(over))?.code;

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** Counted on the parsed value, to be compared with what is counted on the bytes. */
function measure(value: unknown): { depth: number; tokens: number; keys: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, tokens: 0, keys: 0 };
  const names = Array.isArray(value) ? [] : Object.keys(value);
  const inner = Object.values(value).map(measure);
  return {
    depth: 1 + Math.max(0, ...inner.map((one) => one.depth)),
    tokens: 1 + Math.max(0, inner.length - 1) + names.length + inner.reduce((sum, one) => sum + one.tokens, 0),
    keys: Math.max(names.length, ...inner.map((one) => one.keys)),
  };
}

describe('excessOf', () => {
  it('counts on the bytes what the parsed value has', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indent) => {
        const bytes = Buffer.from(JSON.stringify(value, null, indent));
        // Of what is written twice the parsed value has one.
        const { depth, tokens, keys } = measure(JSON.parse(bytes.toString()));
        const exact = { bytesMax: bytes.length, depthMax: depth, tokensMax: tokens, keysMax: keys };
        expect(excessOf(bytes, exact)).toBeUndefined();
        if (depth > 0) expect(excessOf(bytes, { ...exact, depthMax: depth - 1 })?.code).toBe('JSON_TOO_DEEP');
        if (tokens > 0) expect(excessOf(bytes, { ...exact, tokensMax: tokens - 1 })).toBeDefined();
        if (keys > 0) expect(excessOf(bytes, { ...exact, keysMax: keys - 1 })?.code).toBe('JSON_TOO_MANY_KEYS');
      }),
    );
  });

  it.each([
    [nested(8), undefined],
    [nested(9), 'JSON_TOO_DEEP'],
    // Nothing after the first excess is looked at, closed or not.
    ['['.repeat(2_000_000), 'JSON_TOO_LARGE'],
    ['['.repeat(900_000), 'JSON_TOO_DEEP'],
    ['{"a":'.repeat(9), 'JSON_TOO_DEEP'],
    [`[${'0,'.repeat(1000)}0]`, 'JSON_TOO_MANY_TOKENS'],
    [`{${Array.from({ length: 101 }, (_, i) => `"${i}":0`).join()}}`, 'JSON_TOO_MANY_KEYS'],
    // The same key again and again is as much work.
    [`{${Array.from({ length: 101 }, () => '"k":0').join()}}`, 'JSON_TOO_MANY_KEYS'],
    [`[{"a":1},${Array.from({ length: 99 }, () => '{"a":1}').join()}]`, undefined],
    ['', undefined],
    ['}}}}]]]]', undefined],
  ])('says of %.20j… %j', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it.each([
    String.raw`"[[[[[[[[[[[["`,
    String.raw`"\"[[[[[[[[[[[["`,
    String.raw`"\\"`,
    String.raw`{"\\\"[[[[[[[[[[":"]]]"}`,
    '"[[[[[[[[[[[[[[',
    '"\\',
  ])('does not count within the text %j', (text) => {
    expect(codeOf(text)).toBeUndefined();
  });

  it('counts again after a text that ends in backslashes', () => {
    expect(codeOf(String.raw`["\\",` + nested(8) + ']')).toBe('JSON_TOO_DEEP');
    expect(codeOf(String.raw`["\\\",` + nested(8) + '"]')).toBeUndefined();
  });
});

describe('parseBoundedJson', () => {
  it('parses what is within the bounds, also from a view into larger memory', () => {
    const memory = Buffer.from('xx{"é":[1]}xx');
    expect(parseBoundedJson(memory.subarray(2, -2), bounds())).toEqual({ é: [1] });
    expect(parseBoundedText('[null]', bounds())).toEqual([null]);
  });

  it('tells an excess from what is not JSON', () => {
    const thrown = (text: string): unknown => {
      try {
        return parseBoundedText(text, bounds(), 'parameters');
      } catch (error) {
        return error;
      }
    };
    expect(thrown(nested(9))).toMatchObject({ family: 'InvalidRequest', code: 'JSON_TOO_DEEP', field: 'parameters' });
    expect(isExcess(thrown(nested(9)))).toBe(true);
    expect(thrown('[')).toBeInstanceOf(SyntaxError);
    expect(isExcess(thrown('['))).toBe(false);
  });
});
