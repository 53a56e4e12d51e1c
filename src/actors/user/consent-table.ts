/**
 * What a subject has said about each purpose, as two times: the latest grant G and the latest withdrawal W. Consent holds
 * where G > W. Both only ever grow, so records give the same table in whatever order and however often they come.
 *
 * The table is kept in one form only: a grant that a withdrawal has overtaken is 0, and a purpose of which it says no more
 * than of any other is left out.
 *
 * It has room for PURPOSES_MAX purposes. Where more are spoken of, the earliest withdrawals become those of all purposes
 * without an entry: none is lost, and none of what is consented to is touched. Given up is this: a grant of a purpose
 * without an entry that comes late, from before such a withdrawal, counts no more, so that beyond that many purposes the
 * order of coming can cost a grant.
 */
import { PURPOSES_MAX } from '../../messages/events.js';

export interface ConsentEntry {
  readonly purpose: string;
  /** G; 0 for none, or none that still counts. */
  readonly grantedMs: number;
  /** W; 0 for none. */
  readonly withdrawnMs: number;
}

export interface ConsentTable {
  /** By purpose, ascending. */
  readonly entries: readonly ConsentEntry[];
  /** W of every purpose that has no entry. */
  readonly othersMs: number;
}

const NO_ENTRIES: readonly ConsentEntry[] = Object.freeze([]);

export const EMPTY_CONSENT: ConsentTable = Object.freeze({ entries: NO_ENTRIES, othersMs: 0 });

/** A loop: it is asked several times for every event that is folded. */
export function isGranted({ entries }: ConsentTable, purpose: string): boolean {
  for (const entry of entries) if (entry.purpose === purpose) return entry.grantedMs > entry.withdrawnMs;
  return false;
}

export const grantedPurposes = ({ entries }: ConsentTable): string[] =>
  entries.filter(({ grantedMs, withdrawnMs }) => grantedMs > withdrawnMs).map(({ purpose }) => purpose);

/** W of a purpose. */
export const withdrawnMsOf = ({ entries, othersMs }: ConsentTable, purpose: string): number =>
  entries.find((entry) => entry.purpose === purpose)?.withdrawnMs ?? othersMs;

/** The table with a grant of these purposes; undefined where more than PURPOSES_MAX would be consented to. */
export function withGrant(table: ConsentTable, purposes: readonly string[], atMs: number): ConsentTable | undefined {
  const entries = new Map(table.entries.map((entry) => [entry.purpose, entry]));
  for (const purpose of purposes) {
    const { grantedMs, withdrawnMs } = entryOf(entries, purpose, table.othersMs);
    entries.set(purpose, { purpose, grantedMs: Math.max(grantedMs, atMs), withdrawnMs });
  }
  const after = normal(table, entries, table.othersMs);
  return after.entries.length > PURPOSES_MAX ? undefined : after;
}

/** The table with a withdrawal of these purposes, or of all there are and will be. It is never refused. */
export function withWithdrawal(table: ConsentTable, purposes: readonly string[] | 'all', atMs: number): ConsentTable {
  const entries = new Map(table.entries.map((entry) => [entry.purpose, entry]));
  const all = purposes === 'all';
  const othersMs = all ? Math.max(table.othersMs, atMs) : table.othersMs;
  for (const purpose of all ? [...entries.keys()] : purposes) {
    const { grantedMs, withdrawnMs } = entryOf(entries, purpose, table.othersMs);
    entries.set(purpose, { purpose, grantedMs, withdrawnMs: Math.max(withdrawnMs, atMs) });
  }
  return normal(table, entries, othersMs);
}

const entryOf = (entries: ReadonlyMap<string, ConsentEntry>, purpose: string, othersMs: number): ConsentEntry =>
  entries.get(purpose) ?? { purpose, grantedMs: 0, withdrawnMs: othersMs };

/** The one form of a table, with room made. */
function normal(before: ConsentTable, given: ReadonlyMap<string, ConsentEntry>, givenOthersMs: number): ConsentTable {
  const entries = Array.from(given.values(), (entry) =>
    entry.grantedMs > 0 && entry.grantedMs <= entry.withdrawnMs ? { ...entry, grantedMs: 0 } : entry,
  );
  const othersMs = withRoom(entries, givenOthersMs);
  const kept = entries.filter((entry) => saysMore(entry, othersMs)).sort((a, b) => (a.purpose < b.purpose ? -1 : 1));
  if (othersMs === before.othersMs && isSame(kept, before.entries)) return before;
  return { entries: kept.length === 0 ? NO_ENTRIES : kept, othersMs };
}

const saysMore = ({ grantedMs, withdrawnMs }: ConsentEntry, othersMs: number): boolean =>
  grantedMs > 0 || withdrawnMs > othersMs;

/** W of all others, so late that the earliest withdrawals beyond PURPOSES_MAX entries are among them. */
function withRoom(entries: readonly ConsentEntry[], othersMs: number): number {
  const told = entries.filter((entry) => saysMore(entry, othersMs));
  const excess = told.length - PURPOSES_MAX;
  if (excess <= 0) return othersMs;
  const withdrawn = told.filter(({ grantedMs }) => grantedMs === 0).map(({ withdrawnMs }) => withdrawnMs);
  return withdrawn.sort((a, b) => a - b)[Math.min(excess, withdrawn.length) - 1] ?? othersMs;
}

const isSame = (a: readonly ConsentEntry[], b: readonly ConsentEntry[]): boolean =>
  a.length === b.length &&
  a.every(
    ({ purpose, grantedMs, withdrawnMs }, i) =>
      purpose === b[i]!.purpose && grantedMs === b[i]!.grantedMs && withdrawnMs === b[i]!.withdrawnMs,
  );
