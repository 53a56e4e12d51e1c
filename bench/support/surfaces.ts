/** What the benches declare: surfaces of their own, and the learners that these surfaces have. */
const PICKUP = { id: 'pickup', kind: 'beta-thompson', surface: 'rider.pickup', policy: 'pickup-thompson' } as const;

/** One surface with caps that no run exhausts. */
export const DECISIONS = { surfacesDir: 'bench/config/decisions', learners: [PICKUP] } as const;

/** One surface that draws its candidates from campaigns; nothing learns. */
export const CAMPAIGNS = { surfacesDir: 'bench/config/campaigns', learners: [] } as const;
