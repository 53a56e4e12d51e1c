import type { Term } from '../../messages/records.js';

/** Last applied output of each chain, by `<source partition>/<journal identity>`. */
export type Watermarks = Readonly<Record<string, readonly [sequence: number, index: number]>>;

/** How far one source has been read, or sunk: everything up to and with `sequence` is dealt with. */
export interface Cursor {
  /** Identity of the stream; empty before the first one is seen. */
  readonly identity: string;
  readonly sequence: number;
  /** The term that owner-written records must carry; undefined until one is known. */
  readonly term: Term | undefined;
  /** The highest term met while none is known. Not saved: a new reader assumes anew. */
  readonly assumed?: Term;
  readonly watermarks: Watermarks;
}

export const FRESH_CURSOR: Cursor = { identity: '', sequence: 0, term: undefined, watermarks: {} };

export const EXPERIENCE_SOURCE = 'experience';
export const partitionSource = (partition: number): string => `partition/${partition}`;

/** The partition of a source's name; undefined for the experience stream. */
export function partitionOfSource(source: string): number | undefined {
  const match = /^partition\/(\d+)$/.exec(source);
  return match ? Number(match[1]) : undefined;
}

/** One change of the facts. `json` is one row of the table, ready for json_to_recordset; `bytes` bounds buffers. */
export type FactChange =
  | { readonly kind: 'decision' | 'outcome'; readonly json: string }
  /** The decision journaled at this place does not count after all. */
  | { readonly kind: 'void'; readonly partition: number; readonly identity: string; readonly sequence: number };

/** What a record means to the facts, and where the source stands after it. */
export interface Sifted {
  readonly cursor: Cursor;
  readonly changes: readonly FactChange[];
  /** Why a record that should have been a fact is none. */
  readonly skipped?: 'stale' | 'duplicate' | 'malformed';
}
