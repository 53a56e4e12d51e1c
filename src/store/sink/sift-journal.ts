/**
 * Which records of a partition's journal are decisions that count. It fences exactly as the fold does: a barrier raises
 * the epoch, a marker the session, and a record that its owner wrote counts only under the term that is current there.
 */
import type { JournalRecord } from '../../actors/host/ports.js';
import { compareTerms, type Term } from '../../messages/records.js';
import { parsePartitionSubject, type PartitionSubject } from '../../messages/subjects.js';
import type { StoredForm } from '../../messages/versions.js';
import type { Cursor, FactChange, Sifted } from './cursor.js';
import { decisionRow } from './fact-rows.js';
import { isCount, parseRecord, termOf, type JsonObject } from './wire.js';

const NONE: readonly FactChange[] = [];

/**
 * Pure. Records must come in ascending order of sequence. Throws Configuration `DATA_TOO_NEW` or
 * `DATA_TOO_OLD` for a record that another build has written.
 */
export function siftJournal(cursor: Cursor, partition: number, record: JournalRecord): Sifted {
  const at = { ...cursor, sequence: record.sequence };
  const subject = parsePartitionSubject(record.subject);
  if (subject?.partition !== partition || (subject.cls !== 'decision' && subject.cls !== 'control')) return none(at);
  const form = subject.cls === 'decision' ? subject.cls : (subject.kind as StoredForm);
  const json = parseRecord(form, record.payload);
  const term = termOf(json);
  if (json === undefined || term === undefined) return { ...none(at), skipped: 'malformed' };
  return subject.cls === 'decision' ? siftDecision(at, subject, term, json) : siftControl(at, subject, term, json);
}

function siftDecision(at: Cursor, subject: PartitionSubject, term: Term, json: JsonObject): Sifted {
  const fenced = fence(at, term);
  if (!fenced.counts) return { ...none(fenced.cursor), skipped: 'stale' };
  const place = {
    partition: subject.partition,
    identity: at.identity,
    sequence: at.sequence,
    epoch: term[0],
    actorKind: subject.kind,
    actorToken: subject.token,
  };
  const row = decisionRow(place, json['body']);
  if (row === undefined) return { ...none(fenced.cursor), skipped: 'malformed' };
  return { cursor: fenced.cursor, changes: [{ kind: 'decision', json: row }] };
}

function siftControl(at: Cursor, subject: PartitionSubject, term: Term, json: JsonObject): Sifted {
  if (subject.kind === 'barrier') {
    const known = at.term !== undefined && at.term[0] >= term[0];
    return none(known ? at : { ...at, term: [term[0], 0] });
  }
  if (subject.kind === 'marker' && at.term !== undefined) {
    // A marker of an epoch whose barrier has not come before it is no owner's.
    return none(at.term[0] === term[0] && at.term[1] < term[1] ? { ...at, term } : at);
  }
  const { counts, cursor } = fence(at, term);
  if (!counts) return { ...none(cursor), skipped: 'stale' };
  if (subject.kind === 'verdict') {
    const sequence = json['sequence'];
    if (!isCount(sequence) || sequence >= at.sequence) return { ...none(cursor), skipped: 'malformed' };
    const { partition } = subject;
    return { cursor, changes: [{ kind: 'void', partition, identity: at.identity, sequence }] };
  }
  return subject.kind === 'redrive' ? siftRedrive(cursor, subject.partition, term, json) : none(cursor);
}

/** An old record again: it counts at its new place and under the term of who drives it. */
function siftRedrive(at: Cursor, partition: number, term: Term, json: JsonObject): Sifted {
  const { subject, payload } = json;
  if (typeof subject !== 'string' || typeof payload !== 'string') return { ...none(at), skipped: 'malformed' };
  const original = parsePartitionSubject(subject);
  if (original?.cls !== 'decision' || original.partition !== partition) return none(at);
  const record = parseRecord('decision', Buffer.from(payload, 'base64'));
  return record === undefined ? { ...none(at), skipped: 'malformed' } : siftDecision(at, original, term, record);
}

const none = (cursor: Cursor): Sifted => ({ cursor, changes: NONE });

/**
 * Where the journal was trimmed before the sink first saw it, the barrier is gone and no term is known: then the highest
 * one met so far is taken for it, until the next barrier.
 */
function fence(cursor: Cursor, term: Term): { readonly counts: boolean; readonly cursor: Cursor } {
  if (cursor.term !== undefined) return { counts: compareTerms(term, cursor.term) === 0, cursor };
  const lower = cursor.assumed !== undefined && compareTerms(term, cursor.assumed) < 0;
  return lower ? { counts: false, cursor } : { counts: true, cursor: { ...cursor, assumed: term } };
}
