import { compareTerms, type Barrier, type Term } from '../../messages/records.js';
import { isVersionRefusal, THIS_SCHEMA, type DataSchema } from '../../messages/versions.js';
import type { JournalRecord } from './ports.js';
import { decodeRecord } from './record-codec.js';

/**
 * The verdicts that stand in a journal ahead of the fold. A verdict comes after the record it is about, so a replay
 * has to know it beforehand; it counts under the same rule as every owned record: its term must be current where it
 * stands.
 */
export class VerdictBook {
  private readonly reasons = new Map<number, string>();
  private last = 0;
  /** The term in force behind the last control record read. */
  term: Term = [0, 0];
  /** The journal's first barrier: records before it are folded under its settings and by its rules. */
  first: Barrier | undefined;
  /** The highest of the barriers read. */
  semantics = 0;

  constructor(private readonly schema: DataSchema = THIS_SCHEMA) {}

  /**
   * Takes in control records, ascending; those already seen are passed over. `term` is the one before the first. Throws
   * Configuration `DATA_TOO_NEW` or `DATA_TOO_OLD`.
   */
  read(term: Term, records: readonly JournalRecord[]): void {
    if (compareTerms(term, this.term) > 0) this.term = term;
    for (const record of records) {
      if (record.sequence <= this.last) continue;
      this.last = record.sequence;
      this.take(record);
    }
  }

  get(sequence: number): string | undefined {
    return this.reasons.get(sequence);
  }

  /** The fold has passed the record. */
  forget(sequence: number): void {
    this.reasons.delete(sequence);
  }

  private take(record: JournalRecord): void {
    let decoded;
    try {
      decoded = decodeRecord(record, this.schema);
    } catch (error) {
      if (isVersionRefusal(error)) throw error;
      return; // A damaged control record is poison of its own, met when the fold gets there.
    }
    if (decoded.cls === 'barrier') {
      this.first ??= decoded.record;
      if (decoded.record.term[0] > this.term[0]) this.term = [decoded.record.term[0], 0];
      this.semantics = Math.max(this.semantics, decoded.record.semantics);
    } else if (decoded.cls === 'marker') {
      if (decoded.term[0] === this.term[0] && decoded.term[1] > this.term[1]) this.term = decoded.term;
    } else if (decoded.cls === 'verdict' && compareTerms(decoded.record.term, this.term) === 0) {
      if (decoded.record.sequence < record.sequence && !this.reasons.has(decoded.record.sequence)) {
        this.reasons.set(decoded.record.sequence, decoded.record.reason);
      }
    }
  }
}
