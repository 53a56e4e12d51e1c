import { describe, expect, it } from '@jest/globals';
import { EngineError } from '../kernel/errors.js';
import { silentLogger, type LogFields, type Logger } from '../kernel/logger.js';
import { FAULTS_MAX, FaultBook } from './fault-book.js';

function openBook() {
  const lines: LogFields[] = [];
  const log: Logger = { ...silentLogger, error: (message, fields) => void lines.push({ message, ...fields }) };
  return { book: new FaultBook(log), lines };
}
const fault = { part: 'policy', id: 'p', version: 1, surface: 's' } as const;

describe('the book of faults', () => {
  it('logs each version of a policy once, with what was thrown, and counts by reason', () => {
    const { book, lines } = openBook();
    const thrown = new TypeError('x is not a function');
    for (let i = 0; i < 5; i++) book.report({ ...fault, error: thrown });
    book.report({ ...fault, error: new EngineError('Invariant', 'POLICY_SCORES', 'no number') });
    book.report({ ...fault, version: 2, error: thrown });
    book.report({ ...fault, part: 'source', version: 0, error: 'a text' });
    expect(lines).toMatchObject([
      { part: 'policy', id: 'p', version: 1, reason: 'POLICY_THREW', error: thrown },
      { part: 'policy', version: 2 },
      { part: 'source', reason: 'SOURCE_THREW' },
    ]);
    expect(book.list()).toEqual([
      { ...fault, reason: 'POLICY_THREW', count: 5, message: 'x is not a function' },
      { ...fault, reason: 'POLICY_SCORES', count: 1, message: 'no number' },
      { ...fault, version: 2, reason: 'POLICY_THREW', count: 1, message: 'x is not a function' },
      { ...fault, part: 'source', version: 0, reason: 'SOURCE_THREW', count: 1, message: 'a text' },
    ]);
  });

  it('stays small, whatever throws', () => {
    const { book, lines } = openBook();
    for (let version = 0; version < 3 * FAULTS_MAX; version++)
      book.report({ ...fault, version, error: new Error('no') });
    expect(book.list()).toHaveLength(FAULTS_MAX + 1);
    expect(book.list().at(-1)).toMatchObject({ reason: 'OTHER', count: 2 * FAULTS_MAX });
    expect(lines).toHaveLength(FAULTS_MAX);
  });
});
