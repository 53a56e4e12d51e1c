import { beforeEach, describe, expect, it } from '@jest/globals';
import { HandClock, idle, MemoryJournal } from '../../../test/support/host-world.js';
import type { EngineError } from '../../kernel/errors.js';
import type { Applied } from './fold.js';
import { RecordWriter } from './record-writer.js';

const applied: Applied = { outcome: 'applied', reason: undefined, outputs: [], changed: undefined };

let clock: HandClock;
let journal: MemoryJournal;
let writer: RecordWriter;
let settled: Record<string, string>;

beforeEach(() => {
  clock = new HandClock();
  journal = new MemoryJournal(clock);
  writer = new RecordWriter(clock, journal, 0, 7);
  settled = {};
});

function write(key: string): void {
  writer.write({
    key,
    subject: `attune.p.0.decision.app.user.${key}`,
    body: { key },
    trace: undefined,
    settle: (result: Applied | undefined, _sequence, error: EngineError | undefined) => {
      settled[key] = `${settled[key] === undefined ? '' : `${settled[key]} and `}${error?.code ?? result?.outcome}`;
    },
  });
}
const unknown = (name: string): void => {
  journal.fate = ({ subject }) => (subject.includes(name) ? { status: 'unknown' } : undefined);
};

describe('the record writer', () => {
  it('publishes what one tick writes as one group, in order', async () => {
    let groups = 0;
    const { append } = journal;
    journal.append = (messages) => {
      groups++;
      return append(messages);
    };
    for (const key of ['a', 'b', 'c']) write(key);
    await idle();
    expect(groups).toBe(1);
    expect(journal.bodies('decision').map(({ key, term }) => [key, term])).toEqual([
      ['a', [7, 0]],
      ['b', [7, 0]],
      ['c', [7, 0]],
    ]);
    expect(settled).toEqual({});
    expect(writer.inFlight).toBe(3);
  });

  it('does not take a record for done that the fold has voided', async () => {
    write('a');
    await idle();
    writer.folded('a', [7, 0], { ...applied, outcome: 'void' }, 1);
    expect(settled).toEqual({ a: 'STALE_OWNER' });
  });

  it('settles a record when it has been folded, once', async () => {
    write('a');
    await idle();
    writer.folded('a', [7, 0], applied, 1);
    writer.folded('a', [7, 0], applied, 2);
    expect(settled).toEqual({ a: 'applied' });
  });

  it('is not told of its own record by another owner’s of the same key', async () => {
    write('a');
    await idle();
    writer.folded('a', [6, 3], { ...applied, outcome: 'void' }, 1);
    expect(settled).toEqual({});
    writer.folded('a', [7, 0], applied, 2);
    expect(settled).toEqual({ a: 'applied' });
  });

  it('says so at once where the journal refuses', async () => {
    journal.fate = () => ({ status: 'refused', code: 'JOURNAL_FULL', message: 'full' });
    write('a');
    await idle();
    expect(settled).toEqual({ a: 'JOURNAL_FULL' });
    expect(writer.inFlight).toBe(0);
  });

  it('leaves an unknown outcome open until a marker published after it has been folded', async () => {
    unknown('.decision.');
    write('a');
    await idle();
    expect(settled).toEqual({});
    expect(journal.bodies('control')).toMatchObject([{ term: [7, 1] }]);
    journal.fate = () => undefined;
    write('b');
    await idle();
    writer.markerFolded([7, 1]);
    expect(settled).toEqual({ a: 'JOURNAL_TIMEOUT' });
    writer.folded('b', [7, 1], applied, 3);
    expect(settled).toEqual({ a: 'JOURNAL_TIMEOUT', b: 'applied' });
  });

  it('settles what has been stored all the same when it comes back before the marker', async () => {
    unknown('.decision.');
    write('a');
    await idle();
    writer.folded('a', [7, 0], applied, 1);
    writer.markerFolded([7, 1]);
    expect(settled).toEqual({ a: 'applied' });
  });

  it('tries another marker, above the last, until one is stored', async () => {
    journal.fate = () => ({ status: 'unknown' });
    write('a');
    await clock.advance(500);
    journal.fate = () => undefined;
    await clock.advance(500);
    const terms = journal.bodies('control').map(({ term }) => term[1]);
    expect(terms).toHaveLength(1);
    expect(terms[0]).toBeGreaterThan(1);
    await clock.advance(2_000);
    expect(journal.bodies('control')).toHaveLength(1);
  });

  it('tells those that wait when it stops whether their records may yet count', async () => {
    write('published');
    await idle();
    write('queued');
    writer.stop();
    write('late');
    expect(settled).toEqual({ published: 'OUTCOME_UNKNOWN', queued: 'STALE_OWNER', late: 'STALE_OWNER' });
    await idle();
    expect(journal.bodies('decision')).toHaveLength(1);
  });
});
