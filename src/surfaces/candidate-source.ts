import type { CampaignLedger } from '../messages/campaigns.js';
import type { Candidate } from '../messages/decisions.js';
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
  /** `degraded` names the part that was missing or stale, as in `zone`. */
  candidates(input: SourceInput): { readonly candidates: readonly Candidate[]; readonly degraded: readonly string[] };
}
