import { EngineError } from '../kernel/errors.js';
import type { CampaignLedger } from '../messages/campaigns.js';
import { CANDIDATES_MAX, type Candidate } from '../messages/decisions.js';
import type { FoldSettings } from '../messages/settings.js';
import type { ZoneDirectory } from '../messages/zones.js';

export interface SourceInput {
  readonly surface: string;
  readonly context: Readonly<Record<string, string | number | boolean>>;
  readonly nowMs: number;
  readonly settings: FoldSettings;
  readonly ledger: CampaignLedger;
  readonly zones: ZoneDirectory;
}

/** Supplies candidates where a request brings none. Pure and bounded by CANDIDATES_MAX. */
export interface CandidateSource {
  readonly name: string;
  candidates(input: SourceInput): Supplied;
}

export interface Supplied {
  readonly candidates: readonly Candidate[];
  /** Names the parts that were missing or stale, as in `zone`. */
  readonly degraded: readonly string[];
}

/**
 * What a source hands on is what policies, the journal and learners compute with. Throws Invariant `SOURCE_NOT_FINITE` or
 * `SOURCE_UNBOUNDED`, naming the source.
 */
export function assertSound(source: string, candidates: readonly Candidate[]): void {
  if (candidates.length > CANDIDATES_MAX) {
    const message = `The source ${source} gave ${candidates.length} candidates, and at most ${CANDIDATES_MAX}.`;
    throw new EngineError('Invariant', 'SOURCE_UNBOUNDED', message);
  }
  for (const { id, features } of candidates)
    for (const name in features) {
      const value = features[name];
      if (Number.isFinite(value)) continue;
      const message = `The source ${source} gave ${id} the feature ${name} as ${value}.`;
      throw new EngineError('Invariant', 'SOURCE_NOT_FINITE', message);
    }
}
