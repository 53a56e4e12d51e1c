import { describe, expect, it } from '@jest/globals';
import {
  appendBarrier,
  appendDecision,
  appendEvent,
  appendMarker,
  decisionBodyOf,
} from '../../../test/support/facts.js';
import { MemoryStream } from '../../../test/support/memory-stream.js';
import type { Term } from '../../messages/records.js';
import { subjects } from '../../messages/subjects.js';
import { FRESH_CURSOR, type Cursor } from './cursor.js';
import { siftJournal } from './sift-journal.js';

/** Sifts all of a journal; the ids of the decisions that count, and the cursor at its end. */
function sift(journal: MemoryStream, term: Term | 'unknown' = [0, 0]): { ids: string[]; cursor: Cursor } {
  let cursor: Cursor = { ...FRESH_CURSOR, identity: journal.identity, term: term === 'unknown' ? undefined : term };
  const ids: string[] = [];
  for (const record of journal.records) {
    const sifted = siftJournal(cursor, 0, record);
    cursor = sifted.cursor;
    for (const change of sifted.changes) if (change.kind === 'decision') ids.push(JSON.parse(change.json).id);
  }
  return { ids, cursor };
}

const decide = (journal: MemoryStream, id: string, term: Term): number =>
  appendDecision(journal, 0, term, decisionBodyOf(id));

describe('siftJournal', () => {
  it('voids a decision that comes before any barrier', () => {
    const journal = new MemoryStream();
    decide(journal, 'a', [3, 0]);
    expect(sift(journal).ids).toEqual([]);
  });

  it('lets neither an old barrier nor an old marker lower the term', () => {
    const journal = new MemoryStream();
    appendBarrier(journal, 0, [5, 0]);
    appendMarker(journal, 0, [5, 2]);
    appendBarrier(journal, 0, [4, 0]);
    appendMarker(journal, 0, [5, 1]);
    appendMarker(journal, 0, [4, 9]);
    decide(journal, 'a', [5, 2]);
    expect(sift(journal).ids).toEqual(['a']);
  });

  it('takes a marker of an epoch without a barrier for a former or a false owner’s', () => {
    const journal = new MemoryStream();
    appendBarrier(journal, 0, [5, 0]);
    appendMarker(journal, 0, [6, 1]);
    decide(journal, 'false', [6, 1]);
    decide(journal, 'true', [5, 0]);
    expect(sift(journal).ids).toEqual(['true']);
  });

  it('reads on past events and what is not a record', () => {
    const journal = new MemoryStream();
    appendBarrier(journal, 0, [5, 0]);
    appendEvent(journal, 0);
    journal.append(subjects.record(0, 'decision', 'app', 'user', '42'), 'not json');
    journal.append('attune.elsewhere', '{}');
    decide(journal, 'a', [5, 0]);
    expect(sift(journal)).toMatchObject({ ids: ['a'], cursor: { sequence: 5, term: [5, 0] } });
  });

  it('counts a decision that was driven again, at its new place and under the new term', () => {
    const journal = new MemoryStream();
    appendBarrier(journal, 0, [5, 0]);
    const old = decide(journal, 'a', [5, 0]);
    const { subject, payload } = journal.records[old - 1]!;
    appendBarrier(journal, 0, [8, 0]);
    const original = { subject, payload: Buffer.from(payload).toString('base64') };
    const redrive = { v: 2, term: [8, 0], key: 'k', sequence: old, by: 'me', ...original };
    journal.append(subjects.control(0, 'redrive'), redrive);
    journal.append(subjects.control(0, 'redrive'), { ...redrive, term: [5, 0] });
    expect(sift(journal).ids).toEqual(['a', 'a']);
  });

  it('assumes the highest term it meets until a barrier tells, and does not save the assumption', () => {
    const journal = new MemoryStream();
    decide(journal, 'a', [4, 0]);
    decide(journal, 'b', [5, 0]);
    decide(journal, 'zombie', [4, 0]);
    const assumed = sift(journal, 'unknown');
    expect(assumed).toMatchObject({ ids: ['a', 'b'], cursor: { term: undefined } });
    appendBarrier(journal, 0, [9, 0]);
    decide(journal, 'c', [9, 0]);
    decide(journal, 'late', [5, 0]);
    expect(sift(journal, 'unknown')).toMatchObject({ ids: ['a', 'b', 'c'], cursor: { term: [9, 0] } });
  });

  it('refuses a record that a newer build has written', () => {
    const journal = new MemoryStream();
    journal.append(subjects.record(0, 'decision', 'app', 'user', '42'), { v: 3, something: 'else' });
    expect(() => sift(journal)).toThrow(expect.objectContaining({ code: 'DATA_TOO_NEW' }));
  });

  it('does not change the cursor it is given', () => {
    const journal = new MemoryStream();
    appendBarrier(journal, 0, [5, 0]);
    const cursor = Object.freeze({ ...FRESH_CURSOR });
    expect(siftJournal(cursor, 0, journal.records[0]!).cursor).not.toBe(cursor);
    expect(cursor).toEqual(FRESH_CURSOR);
  });
});
