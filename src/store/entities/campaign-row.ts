import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { CampaignDefinition, CampaignStatus } from '../../messages/campaigns.js';

/** A campaign as last heard of. The campaign actor's journal is the truth; this is for queries and joins. */
export const CampaignRow = defineEntity({
  name: 'CampaignRow',
  tableName: 'campaign',
  properties: {
    id: p.text().primary(),
    name: p.text(),
    surface: p.text().index('campaign_surface'),
    status: p.text().$type<CampaignStatus>(),
    budgetCents: p.bigint('number'),
    definition: p.json<CampaignDefinition>(),
    /** Fold sequence at the campaign actor: an older report never replaces a newer one. */
    sequence: p.bigint('number'),
    updatedAt: p.datetime().columnType('timestamptz(3)'),
  },
});
export type CampaignRecord = InferEntity<typeof CampaignRow>;
