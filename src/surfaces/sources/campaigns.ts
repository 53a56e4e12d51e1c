import type { CampaignReplica, Offer } from '../../messages/campaigns.js';
import { CANDIDATES_MAX, type Candidate } from '../../messages/decisions.js';
import type { CandidateSource } from '../candidate-source.js';

/**
 * Offers of the live campaigns of a surface: candidates with the offer's features and `costCents`, paid for by
 * `campaign`. A candidate's id is its offer's, or `<campaign>:<offer>` where two campaigns use the same (see `offerOf`).
 * Whether the budget still has room is the user actor's business: it holds the money.
 */
export const campaignsSource: CandidateSource = {
  name: 'campaigns',
  candidates({ surface, ledger }) {
    const candidates: Candidate[] = [];
    const taken = new Set<string>();
    for (const replica of liveCampaigns(ledger.campaigns, surface)) {
      for (const offer of replica.offers) {
        if (candidates.length === CANDIDATES_MAX) return { candidates, degraded: [] };
        const id = taken.has(offer.id) ? `${replica.id}:${offer.id}` : offer.id;
        if (taken.has(id)) continue;
        taken.add(id);
        candidates.push(candidateOf(id, offer, replica.id));
      }
    }
    return { candidates, degraded: [] };
  },
};

/** In the order of their ids, so that every host offers alike. */
const liveCampaigns = (campaigns: Readonly<Record<string, CampaignReplica>>, surface: string): CampaignReplica[] =>
  Object.values(campaigns)
    .filter((replica) => replica.status === 'live' && replica.surface === surface)
    .sort((a, b) => (a.id < b.id ? -1 : 1));

const candidateOf = (id: string, offer: Offer, campaign: string): Candidate => ({
  id,
  campaign,
  features: { ...offer.features, costCents: offer.costCents },
  ...(offer.category === undefined ? {} : { category: offer.category }),
  nonPersonal: true,
});
