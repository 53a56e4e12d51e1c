/** Which messages of the experience stream are outcomes that count: each chain's outputs, once each, in its order. */
import type { JournalRecord } from '../../actors/host/ports.js';
import { subjects } from '../../messages/subjects.js';
import type { Cursor, Sifted } from './cursor.js';
import { outcomeRow } from './fact-rows.js';
import { chainOf, parseRecord } from './wire.js';

const PREFIX = subjects.experience('');

/**
 * Pure. An output counts if it stands behind the last of its chain that counted, and the one before it does not: as for
 * hosts, a predecessor below that mark cannot be missing, its source was rebuilt from a journal without its beginning. A
 * repeat, and what comes after something missing, are dropped. Where `adopt` says that the stream's beginning is gone, the first output met
 * of an unknown chain counts whatever came before it. Throws Configuration `DATA_TOO_NEW` or `DATA_TOO_OLD`.
 */
export function siftExperience(cursor: Cursor, record: JournalRecord, adopt: boolean): Sifted {
  const at = { ...cursor, sequence: record.sequence };
  const output = parseRecord('experience', record.payload);
  const chain = chainOf(output);
  if (chain === undefined || !record.subject.startsWith(PREFIX))
    return { cursor: at, changes: [], skipped: 'malformed' };
  const key = `${chain.p}/${chain.src}`;
  const mark = cursor.watermarks[key];
  const last = mark ?? (adopt ? chain.prev : ([0, 0] as const));
  if (!isAfter([chain.seq, chain.idx], last)) return { cursor: at, changes: [], skipped: 'duplicate' };
  if (isAfter(chain.prev, last)) return { cursor: at, changes: [], skipped: 'stale' };

  const advanced = { ...at, watermarks: { ...cursor.watermarks, [key]: [chain.seq, chain.idx] as const } };
  const place = {
    partition: chain.p,
    identity: chain.src,
    sequence: chain.seq,
    index: chain.idx,
    surface: record.subject.slice(PREFIX.length),
    atMs: Number(output?.['at']),
  };
  const row = outcomeRow(place, output?.['body']);
  if (row === undefined) return { cursor: advanced, changes: [], skipped: 'malformed' };
  return { cursor: advanced, changes: [{ kind: 'outcome', json: row }] };
}

const isAfter = (a: readonly [number, number], b: readonly [number, number]): boolean =>
  a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
