import { describe, expect, it } from '@jest/globals';
import { ExperienceChain, experienceOf } from '../../../test/support/facts.js';
import { MemoryStream } from '../../../test/support/memory-stream.js';
import { FRESH_CURSOR, type Cursor } from './cursor.js';
import { siftExperience } from './sift-experience.js';

function sift(stream: MemoryStream, adopt = false): { ids: string[]; skipped: (string | undefined)[]; cursor: Cursor } {
  let cursor = FRESH_CURSOR;
  const ids: string[] = [];
  const skipped: (string | undefined)[] = [];
  for (const record of stream.records) {
    const sifted = siftExperience(cursor, record, adopt);
    cursor = sifted.cursor;
    skipped.push(sifted.skipped);
    for (const change of sifted.changes) if (change.kind === 'outcome') ids.push(JSON.parse(change.json).decision_id);
  }
  return { ids, skipped, cursor };
}

describe('siftExperience', () => {
  it('counts each output once, in the order of its chain, whatever comes between', () => {
    const stream = new MemoryStream();
    const chain = new ExperienceChain(stream, 0);
    const other = new ExperienceChain(stream, 1);
    chain.emit(2, experienceOf('a'));
    other.emit(2, experienceOf('b'));
    chain.emit(2, experienceOf('c'), 1);
    chain.repeat();
    other.emit(7, experienceOf('d'));
    expect(sift(stream)).toMatchObject({
      ids: ['a', 'b', 'c', 'd'],
      cursor: { sequence: 5, watermarks: { '0/id1': [2, 1], '1/id1': [7, 0] } },
    });
  });

  it('drops an output whose predecessor has not come', () => {
    const stream = new MemoryStream();
    const chain = new ExperienceChain(stream, 0);
    chain.emit(2, experienceOf('lost'));
    chain.emit(3, experienceOf('a'));
    stream.records.shift();
    expect(sift(stream)).toMatchObject({ ids: [], skipped: ['stale'] });
  });

  it('takes up an unknown chain where it finds it, if the stream’s beginning is gone', () => {
    const stream = new MemoryStream();
    const chain = new ExperienceChain(stream, 0);
    for (const id of ['gone', 'a', 'b']) chain.emit(stream.records.length + 2, experienceOf(id));
    chain.repeat();
    stream.records.shift();
    expect(sift(stream, true)).toMatchObject({ ids: ['a', 'b'], skipped: [undefined, undefined, 'duplicate'] });
  });

  it('goes on with a chain that its source counts from the beginning of a trimmed journal', () => {
    const stream = new MemoryStream();
    const chain = new ExperienceChain(stream, 0);
    chain.emit(2, experienceOf('a'));
    const rebuilt = new ExperienceChain(stream, 0);
    rebuilt.emit(2, experienceOf('a'));
    const trimmed = new ExperienceChain(stream, 0);
    trimmed.emit(7, experienceOf('b'));
    expect(sift(stream)).toMatchObject({ ids: ['a', 'b'], skipped: [undefined, 'duplicate', undefined] });
  });

  it('keeps a correction beside what it corrects, once however often it comes', () => {
    const stream = new MemoryStream();
    const chain = new ExperienceChain(stream, 0);
    chain.emit(2, experienceOf('a', { reward: 0.5 }));
    const corrects = { status: 'complete', reward: 0.5, rewardedId: 'door-a' } as const;
    chain.emit(9, experienceOf('a', { status: 'corrected', reward: 1, corrects }));
    chain.repeat();
    const rows = stream.records.flatMap((record, i) => {
      const cursor = i === 0 ? FRESH_CURSOR : { ...FRESH_CURSOR, watermarks: { '0/id1': i === 1 ? [2, 0] : [9, 0] } };
      return siftExperience(cursor as Cursor, record, false).changes.map((change) =>
        change.kind === 'outcome' ? JSON.parse(change.json) : undefined,
      );
    });
    expect(rows).toMatchObject([
      { decision_id: 'a', status: 'complete', reward: 0.5, sequence: 2 },
      { decision_id: 'a', status: 'corrected', reward: 1, sequence: 9 },
    ]);
  });

  it('moves a chain past an output that is no experience', () => {
    const stream = new MemoryStream();
    const chain = new ExperienceChain(stream, 0);
    chain.emit(2, { unexpected: true });
    chain.emit(3, experienceOf('a', { closedAtMs: 1e300 }));
    chain.emit(4, experienceOf('b'));
    expect(sift(stream)).toMatchObject({ ids: ['b'], skipped: ['malformed', 'malformed', undefined] });
  });
});
