import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeToken, encodeToken, fnv1a, ID_BYTES_MAX, partitionOf } from './ids.js';

const wellFormed = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

describe('actor tokens', () => {
  it('decode to the id they were made of, and are one safe subject token', () => {
    fc.assert(
      fc.property(wellFormed, (id) => {
        fc.pre(Buffer.byteLength(id) <= ID_BYTES_MAX);
        const token = encodeToken(id);
        expect(token).toMatch(/^[A-Za-z0-9_=-]+$/);
        expect(decodeToken(token)).toBe(id);
      }),
    );
  });

  it('are one to one: no other text decodes to the same id', () => {
    for (const token of ['=41', '=2e', '=', '=4', 'a=2Eb=', 'a.b', '', '=FF', 'a b', '*']) {
      expect(decodeToken(token)).toBeUndefined();
    }
    expect(decodeToken('a=2Eb')).toBe('a.b');
  });

  it.each([
    ['', 'ID_EMPTY'],
    ['x'.repeat(ID_BYTES_MAX + 1), 'ID_TOO_LONG'],
    ['é'.repeat(ID_BYTES_MAX / 2 + 1), 'ID_TOO_LONG'],
    ['x'.repeat(10_240), 'ID_TOO_LONG'],
    ['\ud800', 'ID_NOT_TEXT'],
  ])('refuses %j as an id', (id, code) => {
    expect(() => encodeToken(id, 'subject.id')).toThrow(expect.objectContaining({ code, field: 'subject.id' }));
  });

  it('escapes what NATS gives a meaning to', () => {
    expect(encodeToken('a.b *>\u{1f600}')).toBe('a=2Eb=20=2A=3E=F0=9F=98=80');
  });
});

describe('partitions', () => {
  it('hash as nats-server does: 32-bit FNV-1a', () => {
    // Published test vectors of FNV-1a (IETF draft-eastlake-fnv).
    expect(fnv1a('')).toBe(0x811c9dc5);
    expect(fnv1a('a')).toBe(0xe40c292c);
    expect(fnv1a('foobar')).toBe(0xbf9cf968);
    expect(partitionOf('foobar', 16)).toBe(0xbf9cf968 % 16);
  });
});
