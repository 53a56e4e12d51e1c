import { describe, expect, it } from '@jest/globals';
import { SETTINGS } from '../../../test/support/host-world.js';
import type { JournalRecord } from './ports.js';
import { VerdictBook } from './verdict-book.js';

const control = (sequence: number, name: string, body: object): JournalRecord => ({
  sequence,
  timestampMs: 1,
  subject: `attune.p.0.control.engine.${name}`,
  payload: Buffer.from(JSON.stringify({ v: 2, ...body })),
  pending: 0,
});
const barrier = (sequence: number, epoch: number, settings = SETTINGS) =>
  control(sequence, 'barrier', { term: [epoch, 0], host: 'h', settings });
const verdict = (at: number, term: [number, number], sequence: number, reason = 'why') =>
  control(at, 'verdict', { term, sequence, reason });

describe('the verdict book', () => {
  it('takes verdicts whose term is current where they stand, and the first of several', () => {
    const book = new VerdictBook();
    const marker = control(5, 'marker', { term: [1, 1] });
    book.read(
      [0, 0],
      [
        barrier(1, 1),
        verdict(3, [1, 0], 2, 'first'),
        verdict(4, [1, 0], 2, 'second'),
        marker,
        verdict(7, [1, 0], 6),
        barrier(8, 2),
        verdict(10, [1, 1], 9),
      ],
    );
    expect([2, 6, 9].map((sequence) => book.get(sequence))).toEqual(['first', undefined, undefined]);
    expect(book.term).toEqual([2, 0]);
  });

  it('takes no verdict on what comes after it', () => {
    const book = new VerdictBook();
    book.read([1, 0], [verdict(3, [1, 0], 3), verdict(4, [1, 0], 9)]);
    expect([book.get(3), book.get(9)]).toEqual([undefined, undefined]);
  });

  it('goes on where it stopped reading, under the fold’s term', () => {
    const book = new VerdictBook();
    book.read([1, 0], [verdict(3, [1, 0], 2)]);
    book.forget(2);
    book.read([1, 4], [verdict(3, [1, 0], 2), verdict(9, [1, 4], 8)]);
    expect([book.get(2), book.get(8)]).toEqual([undefined, 'why']);
  });

  it('passes over a damaged control record, but not over one of a newer build', () => {
    const book = new VerdictBook();
    book.read([1, 0], [control(2, 'barrier', { term: 'none' }), verdict(4, [1, 0], 3)]);
    expect(book.get(3)).toBe('why');
    const tooNew = control(5, 'barrier', { v: 3 });
    expect(() => book.read([1, 0], [tooNew])).toThrow(expect.objectContaining({ code: 'DATA_TOO_NEW' }));
  });

  it('knows the settings of the first barrier', () => {
    const book = new VerdictBook();
    book.read(
      [0, 0],
      [barrier(4, 1, { ...SETTINGS, timeZone: { name: 'Europe/Berlin', offsets: [[0, 60]] } }), barrier(6, 2)],
    );
    expect(book.first?.settings.timeZone.name).toBe('Europe/Berlin');
  });
});
