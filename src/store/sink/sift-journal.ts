/**
 * Which records of a partition's journal are decisions that count. It fences exactly as the fold does: a barrier raises
 * the epoch, a marker the session, and a record that its owner wrote counts only under the term that is current there.
 */
import { EngineError } from '../../kernel/errors.js';
import type { JournalRecord } from '../../actors/host/ports.js';
import {
  compareTerms,
  markerSchema,
  ownedRecordSchema,
  RECORD_VERSION,
  redriveSchema,
  termSchema,
  verdictSchema,
  type Term,
} from '../../messages/records.js';
import { parsePartitionSubject, type PartitionSubject } from '../../messages/subjects.js';
import { z } from 'zod';
import type { Cursor, FactChange, Sifted } from './cursor.js';
import { decisionRow } from './fact-rows.js';

const NONE: readonly FactChange[] = [];
/** The part of a barrier that fences; its settings are the fold's business. */
const fenceSchema = z.looseObject({ term: termSchema });
const versionSchema = z.looseObject({ v: z.number() });

/**
 * Pure. Records must come in ascending order of sequence. Throws Configuration `RECORD_TOO_NEW` for a record that a newer
 * build has written: it must not be read as something it is not.
 */
export function siftJournal(cursor: Cursor, partition: number, record: JournalRecord): Sifted {
  const at = { ...cursor, sequence: record.sequence };
  const subject = parsePartitionSubject(record.subject);
  if (subject?.partition !== partition) return { cursor: at, changes: NONE };
  if (subject.cls === 'decision') return siftDecision(at, subject, parse(record.payload), undefined);
  if (subject.cls === 'control') return siftControl(at, subject, parse(record.payload));
  return { cursor: at, changes: NONE };
}

/** `redriven`: the term of the record that carries an old decision again. */
function siftDecision(at: Cursor, subject: PartitionSubject, json: unknown, redriven: Term | undefined): Sifted {
  const owned = ownedRecordSchema.safeParse(json);
  if (!owned.success) return { cursor: at, changes: NONE, skipped: 'malformed' };
  const term = redriven ?? owned.data.term;
  const fenced = fence(at, term);
  if (!fenced.counts) return { cursor: fenced.cursor, changes: NONE, skipped: 'stale' };
  const row = decisionRow(
    {
      partition: subject.partition,
      identity: at.identity,
      sequence: at.sequence,
      epoch: term[0],
      actorKind: subject.kind,
      actorToken: subject.token,
    },
    owned.data.body,
  );
  if (row === undefined) return { cursor: fenced.cursor, changes: NONE, skipped: 'malformed' };
  return { cursor: fenced.cursor, changes: [{ kind: 'decision', json: row }] };
}

function siftControl(at: Cursor, subject: PartitionSubject, json: unknown): Sifted {
  switch (subject.kind) {
    case 'barrier': {
      const barrier = fenceSchema.safeParse(json);
      if (!barrier.success) return { cursor: at, changes: NONE, skipped: 'malformed' };
      return { cursor: raise(at, barrier.data.term), changes: NONE };
    }
    case 'marker': {
      const marker = markerSchema.safeParse(json);
      if (!marker.success) return { cursor: at, changes: NONE, skipped: 'malformed' };
      const { term } = marker.data;
      // Without a barrier of its own epoch before it, a marker is a former owner's.
      if (at.term === undefined) return { cursor: fence(at, term).cursor, changes: NONE };
      return { cursor: at.term[0] === term[0] ? raise(at, term) : at, changes: NONE };
    }
    case 'verdict': {
      const verdict = verdictSchema.safeParse(json);
      if (!verdict.success) return { cursor: at, changes: NONE, skipped: 'malformed' };
      const fenced = fence(at, verdict.data.term);
      if (!fenced.counts) return { cursor: fenced.cursor, changes: NONE, skipped: 'stale' };
      const { sequence } = verdict.data;
      const change = { kind: 'void', partition: subject.partition, identity: at.identity, sequence } as const;
      return { cursor: fenced.cursor, changes: [change] };
    }
    case 'redrive': {
      const redrive = redriveSchema.safeParse(json);
      if (!redrive.success) return { cursor: at, changes: NONE, skipped: 'malformed' };
      const original = parsePartitionSubject(redrive.data.subject);
      if (original?.cls === 'decision' && original.partition === subject.partition) {
        const payload = Buffer.from(redrive.data.payload, 'base64');
        return siftDecision(at, original, parse(payload), redrive.data.term);
      }
      return { cursor: fence(at, redrive.data.term).cursor, changes: NONE };
    }
    default:
      return { cursor: at, changes: NONE };
  }
}

function raise(cursor: Cursor, term: Term): Cursor {
  return cursor.term !== undefined && compareTerms(term, cursor.term) <= 0 ? cursor : { ...cursor, term };
}

/**
 * Where the journal was trimmed before the sink first saw it, the barrier is gone and no term is known: then the highest
 * one met so far is taken for it, until the next barrier.
 */
function fence(cursor: Cursor, term: Term): { readonly counts: boolean; readonly cursor: Cursor } {
  if (cursor.term !== undefined) return { counts: compareTerms(term, cursor.term) === 0, cursor };
  const lower = cursor.assumed !== undefined && compareTerms(term, cursor.assumed) < 0;
  return lower ? { counts: false, cursor } : { counts: true, cursor: { ...cursor, assumed: term } };
}

function parse(payload: Uint8Array): unknown {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
  refuseNewer(json);
  return json;
}

/** Throws Configuration `RECORD_TOO_NEW`. */
export function refuseNewer(json: unknown): void {
  const versioned = versionSchema.safeParse(json);
  if (versioned.success && versioned.data.v > RECORD_VERSION) {
    throw new EngineError(
      'Configuration',
      'RECORD_TOO_NEW',
      `A record has schema version ${versioned.data.v}; this build reads up to ${RECORD_VERSION}. Update this process.`,
    );
  }
}
