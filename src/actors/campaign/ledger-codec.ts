import { z } from 'zod';
import { CAMPAIGN_STATES, CampaignLedger, offerSchema } from '../../messages/campaigns.js';

const cents = z.number().int().nonnegative();

const replicaSchema = z
  .strictObject({
    id: z.string(),
    status: z.enum(CAMPAIGN_STATES),
    surface: z.string(),
    offerValidMs: z.number(),
    offers: z.array(offerSchema).min(1).readonly(),
    grantedCents: cents,
    heldCents: cents,
    spentCents: cents,
    asked: z.boolean(),
    recalled: z.boolean(),
  })
  .refine((r) => r.heldCents + r.spentCents <= r.grantedCents, 'holds and spends more than it was granted');

// Checked by hand: a parsed record would lose an own property called `__proto__`.
const ledgerSchema = z.strictObject({
  campaigns: z.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
});

/** Checks a saved ledger. */
export function reviveLedger(saved: unknown): CampaignLedger {
  const { campaigns } = ledgerSchema.parse(saved);
  return CampaignLedger.of(Object.values(campaigns).map((replica) => replicaSchema.parse(replica)));
}
