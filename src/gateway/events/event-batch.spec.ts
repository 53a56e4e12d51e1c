import { describe, expect, it } from '@jest/globals';
import { readBatch } from './event-batch.js';

const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': 'a%20b' };

describe('readBatch', () => {
  it('reads binary mode from headers, whatever the body', () => {
    expect(readBatch({ ...binary, 'content-type': 'application/json' }, { x: 1 }, 10)).toEqual([
      { specversion: '1.0', id: '1', source: 'a b', data: { x: 1 } },
    ]);
    expect(readBatch(binary, undefined, 10)).toEqual([{ specversion: '1.0', id: '1', source: 'a b' }]);
  });

  it('refuses headers that are not percent-encoded text', () => {
    expect(() => readBatch({ ...binary, 'ce-subject': '%E0%A4' }, {}, 10)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', field: 'ce-subject' }),
    );
  });

  it.each([
    ['plain', 'plain'],
    ['a%20b', 'a b'],
    ['"quoted"', 'quoted'],
    ['"a \\"b\\" c\\\\d"', 'a "b" c\\d'],
    ['"Euro %E2%82%AC"', 'Euro €'],
    ['%22kept%22', '"kept"'],
    ['%2520', '%20'],
    ['""', ''],
    ['in"side', 'in"side'],
  ])('reads the header value %s', (value, text) => {
    expect(readBatch({ ...binary, 'ce-x': value }, undefined, 1)).toEqual([expect.objectContaining({ x: text })]);
  });

  it.each(['"open', '"', '"a"b', '"a\\"', 'é', 'a\u0000', '%', '%zz', '"%E0%A4"'])(
    'refuses the header value %j',
    (value) => {
      expect(() => readBatch({ ...binary, 'ce-x': value }, {}, 1)).toThrow(
        expect.objectContaining({ code: 'INVALID_REQUEST', field: 'ce-x' }),
      );
    },
  );

  it('lets the media type of structured mode win over stray headers', () => {
    const headers = { ...binary, 'content-type': 'application/cloudevents+json' };
    expect(readBatch(headers, { id: '2' }, 10)).toEqual([{ id: '2' }]);
  });

  it('reads plain JSON as one event or a list', () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    expect(readBatch(headers, { id: '1' }, 10)).toEqual([{ id: '1' }]);
    expect(readBatch(headers, [1, 2], 2)).toEqual([1, 2]);
    expect(() => readBatch(headers, [1, 2, 3], 2)).toThrow(expect.objectContaining({ code: 'EVENTS_TOO_MANY' }));
    expect(() => readBatch({}, undefined, 2)).toThrow(expect.objectContaining({ code: 'BODY_EMPTY' }));
  });
});
