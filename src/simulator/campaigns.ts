/** The city's campaigns, and what nobody but the city knows: who takes which offer. */
import type { CampaignDefinition } from '../messages/campaigns.js';
import type { Segment } from './people.js';

export const PROMO_SURFACE = 'promo.discount';

export interface CityCampaign {
  readonly id: string;
  readonly definition: CampaignDefinition;
}

const campaign = (
  id: string,
  name: string,
  budgetCents: number,
  offers: readonly (readonly [id: string, costCents: number])[],
): CityCampaign => ({
  id,
  definition: {
    name,
    surface: PROMO_SURFACE,
    budgetCents,
    offerValidMs: 60_000,
    offers: offers.map(([offer, costCents]) => ({ id: offer, costCents, features: {}, category: 'promotion' })),
  },
});

export const CITY_CAMPAIGNS: readonly CityCampaign[] = [
  campaign('welcome', 'A small thank-you', 2_000_000, [
    ['coffee-voucher', 80],
    ['free-minute', 100],
  ]),
  campaign('commute', 'To work and back', 3_000_000, [
    ['ten-ride-pass', 350],
    ['morning-discount', 250],
  ]),
  campaign('nights-out', 'Home safely', 3_000_000, [
    ['night-ride', 300],
    ['shared-ride', 180],
  ]),
];

/** True probability that a rider of the segment takes the offer when seen. */
export const OFFER_ACCEPTANCE: Readonly<Record<string, Readonly<Record<Segment, number>>>> = {
  'coffee-voucher': { commuter: 0.08, student: 0.15, visitor: 0.12 },
  'free-minute': { commuter: 0.05, student: 0.08, visitor: 0.06 },
  'ten-ride-pass': { commuter: 0.55, student: 0.2, visitor: 0.03 },
  'morning-discount': { commuter: 0.4, student: 0.22, visitor: 0.1 },
  'night-ride': { commuter: 0.12, student: 0.35, visitor: 0.45 },
  'shared-ride': { commuter: 0.15, student: 0.5, visitor: 0.2 },
};

/** Offer ids, cheapest first: what the static fallback would offer. */
export const OFFERS_BY_COST: readonly string[] = CITY_CAMPAIGNS.flatMap(({ definition }) => definition.offers)
  .sort((a, b) => a.costCents - b.costCents || (a.id < b.id ? -1 : 1))
  .map(({ id }) => id);
