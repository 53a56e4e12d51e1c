import type { OrderedMap } from '../../kernel/ordered-map.js';
import type { CampaignReplica, Offer } from '../../messages/campaigns.js';
import { CANDIDATES_MAX, type Candidate } from '../../messages/decisions.js';
import type { CandidateSource } from '../candidate-source.js';

/**
 * Where the live campaigns of a surface have more offers than one decision may have candidates, each decision looks at a
 * run of them, and the run begins elsewhere every so often: so each campaign has its turn.
 */
const TURN_MS = 10_000;
/** Successive turns begin a golden section apart, which spreads any number of them evenly over the campaigns. */
const GOLDEN_SECTION = (Math.sqrt(5) - 1) / 2;

/**
 * Offers of the live campaigns of a surface: candidates with the offer's features and `costCents`, paid for by
 * `campaign`. A candidate's id is its offer's, or `<campaign>:<offer>` where two campaigns use the same (see `offerOf`).
 * Whether the budget still has room is the user actor's business: it holds the money. In the order of the campaigns'
 * ids, so that every host offers alike; `degraded` says `campaigns` where not all could be looked at.
 */
export const campaignsSource: CandidateSource = {
  name: 'campaigns',
  candidates({ surface, ledger, nowMs }) {
    const live = ledger.liveOn(surface);
    const found = new Found();
    const first = haveRoom(live) ? 0 : firstOfTurn(nowMs, live.size);
    for (const replica of live.values(first)) if (!found.take(replica)) break;
    let before = first;
    if (!found.isFull) for (const replica of live.values()) if (before-- === 0 || !found.take(replica)) break;
    return { candidates: found.candidates, degraded: found.isFull ? ['campaigns'] : [] };
  },
};

/** Whether one decision may look at all their offers. */
function haveRoom(live: OrderedMap<CampaignReplica>): boolean {
  let offers = 0;
  for (const replica of live.values()) {
    offers += replica.offers.length;
    if (offers > CANDIDATES_MAX) return false;
  }
  return true;
}

function firstOfTurn(nowMs: number, campaigns: number): number {
  const turn = Math.floor(nowMs / TURN_MS);
  return Math.floor(((turn * GOLDEN_SECTION) % 1) * campaigns);
}

class Found {
  readonly candidates: Candidate[] = [];
  /** There were offers for which there was no more room. */
  isFull = false;
  private readonly taken = new Set<string>();

  /** False once there is no more room. */
  take({ id: campaign, offers }: CampaignReplica): boolean {
    for (const offer of offers) {
      const id = this.taken.has(offer.id) ? `${campaign}:${offer.id}` : offer.id;
      if (this.taken.has(id)) continue;
      if (this.candidates.length === CANDIDATES_MAX) {
        this.isFull = true;
        return false;
      }
      this.taken.add(id);
      this.candidates.push(candidateOf(id, offer, campaign));
    }
    return true;
  }
}

const candidateOf = (id: string, offer: Offer, campaign: string): Candidate => ({
  id,
  campaign,
  features: { ...offer.features, costCents: offer.costCents },
  ...(offer.category === undefined ? {} : { category: offer.category }),
  nonPersonal: true,
});
