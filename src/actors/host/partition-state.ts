/** What a partition knows beside its actors; the checkpoint holds exactly this. */
import type { Term } from '../../messages/records.js';
import type { FoldSettings } from '../../messages/settings.js';
import { Redriven } from './redriven.js';

export type ChainPlace = readonly [sequence: number, index: number];

export interface PartitionState<Shared> {
  /** Last folded record. */
  sequence: number;
  /** max over folded records of their stored timestamps. */
  foldTimeMs: number;
  /** Only owner-written records of this very term count. */
  term: Term;
  settings: FoldSettings;
  /** The rules that records are folded by: the highest of the barriers so far. */
  semantics: number;
  /** Secret of the hashes of event ids: the journal's first barrier brings it, and it stays. */
  idKey: string;
  /** Dead letters that were tried again and applied. */
  redriven: Redriven;
  shared: Shared;
  /** Per source (`partition:identity`): the last output applied here. */
  watermarks: Map<string, ChainPlace>;
  /** Per target (`p3`, `x`, `d`): the last output emitted from here. */
  chains: Map<string, ChainPlace>;
  counters: PartitionCounters;
  /**
   * The state was built anew from a journal whose beginning is gone: of a source not met yet the first output counts,
   * whatever came before it.
   */
  adopting: boolean;
}

export interface PartitionCounters {
  folded: number;
  events: number;
  duplicates: number;
  rejected: number;
  /** Of them: events of which it is not known any more whether they were folded. */
  tooOld: number;
  /** Events of kinds that do not exist. */
  foreign: number;
  refused: number;
  voided: number;
  outputsIn: number;
  outputsRepeated: number;
  timers: number;
  timersStale: number;
  poisoned: number;
}

export const freshCounters = (): PartitionCounters => ({
  folded: 0,
  events: 0,
  duplicates: 0,
  rejected: 0,
  tooOld: 0,
  foreign: 0,
  refused: 0,
  voided: 0,
  outputsIn: 0,
  outputsRepeated: 0,
  timers: 0,
  timersStale: 0,
  poisoned: 0,
});

export function freshPartitionState<Shared>(
  settings: FoldSettings,
  shared: Shared,
  adopting: boolean,
  semantics = 1,
  idKey = '',
): PartitionState<Shared> {
  return {
    sequence: 0,
    foldTimeMs: 0,
    term: [0, 0],
    settings,
    semantics,
    idKey,
    redriven: new Redriven(),
    shared,
    watermarks: new Map(),
    chains: new Map(),
    counters: freshCounters(),
    adopting,
  };
}

export const comparePlaces = (a: ChainPlace, b: ChainPlace): number => a[0] - b[0] || a[1] - b[1];
