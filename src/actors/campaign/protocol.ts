/** What the campaign actor and the partitions' ledgers tell each other. Money is whole cents. */
import type { CampaignStatus, Offer } from '../../messages/campaigns.js';

/** Campaign → every partition: what it is now. */
export interface CampaignStateBody {
  readonly campaign: string;
  readonly status: CampaignStatus;
  readonly surface: string;
  readonly offers: readonly Offer[];
  readonly offerValidMs: number;
  /** At the launch: the partition's first allotment, where it has one. */
  readonly grantedCents?: number;
}

/** Campaign → partition: `amountCents` more to hold and spend. */
export interface AllotmentGrantedBody {
  readonly campaign: string;
  readonly amountCents: number;
}

/** Campaign → partition: give back what is not in use. Answered by exactly one `allotment.returned`. */
export interface AllotmentRecallBody {
  readonly campaign: string;
}

/** Partition → campaign: `wantCents` more are needed, at most one unit of the dearest offer. */
export interface AllotmentRequestedBody {
  readonly partition: number;
  readonly wantCents: number;
  readonly offersMaxCents: number;
}

export interface AllotmentReturnedBody {
  readonly partition: number;
  readonly amountCents: number;
}

export interface SpendConfirmedBody {
  readonly partition: number;
  readonly amountCents: number;
  readonly decisionId: string;
}
