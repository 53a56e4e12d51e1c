import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { readJson, UnreadableBook } from './read-json.js';

const schema = z.object({ id: z.string() });

function bookOf() {
  const said: Record<string, unknown>[] = [];
  const book = new UnreadableBook({ warn: (_, fields) => void said.push(fields!) });
  return { book, said };
}

const HOSTILE = ['', ' ', 'null', '[]', '"x"', '{', '{"id":1}', '\u0000', 'NaN', '['.repeat(100_000), '{"id":1e999}'];

describe('JSON that somebody else has written', () => {
  it('is the value where it is one', () => {
    expect(readJson(Buffer.from('{"id":"a","more":1}'), schema)).toEqual({ id: 'a' });
  });

  it.each(HOSTILE)('is nothing, and never thrown, for %.20j', (text) => {
    const { book, said } = bookOf();
    expect(readJson(Buffer.from(text), schema)).toBeUndefined();
    expect(book.read('zone-broadcast', 'attune.state.zone.a', Buffer.from(text), schema)).toBeUndefined();
    expect(book.counts()).toEqual({ 'zone-broadcast': 1 });
    expect(said).toMatchObject([{ source: 'zone-broadcast', place: 'attune.state.zone.a' }]);
  });

  it('is counted each time, and logged once a place', () => {
    const { book, said } = bookOf();
    for (let i = 0; i < 5; i++) book.read('dead-letter', '7', Buffer.from('{'), schema);
    book.read('dead-letter', '8', Buffer.from('{'), schema);
    book.read('facts-floor', '7', Buffer.from('{'), schema);
    expect(book.counts()).toEqual({ 'dead-letter': 6, 'facts-floor': 1 });
    expect(said.map(({ source, place }) => `${String(source)} ${String(place)}`)).toEqual([
      'dead-letter 7',
      'dead-letter 8',
      'facts-floor 7',
    ]);
  });

  it('floods no log and takes no room for places', () => {
    const { book, said } = bookOf();
    for (let i = 0; i < 10_000; i++) book.read('dead-letter', `${i}`, Buffer.from('{'), schema);
    expect(book.counts()).toEqual({ 'dead-letter': 10_000 });
    expect(said.length).toBeLessThanOrEqual(20);
  });
});

describe('a guarded callback', () => {
  it('goes on after a message that throws', () => {
    const { book, said } = bookOf();
    const heard: string[] = [];
    const callback = book.guard('request', ({ subject }: { readonly subject: string }) => {
      if (subject === 'bad') throw new Error('not this one');
      heard.push(subject);
    });
    for (const subject of ['a', 'bad', 'b', 'bad']) callback(null, { subject });
    callback(new Error('permissions'), { subject: 'c' });
    expect(heard).toEqual(['a', 'b']);
    expect(book.counts()).toEqual({ request: 2 });
    expect(said).toMatchObject([{ source: 'request', place: 'bad', error: 'Error: not this one' }]);
  });
});
