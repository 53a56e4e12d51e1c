import { z } from 'zod';
import { CAMPAIGN_STATES, campaignDefinitionSchema, type CampaignDefinition } from '../../messages/campaigns.js';
import { budgetSchema, emptyBudget } from './budget.js';

/** Audit entries kept; also how many commands back a repeated commandId is still recognised. */
export const AUDIT_ENTRIES_MAX = 32;

const status = z.enum(CAMPAIGN_STATES);

const auditEntrySchema = z
  .strictObject({
    atMs: z.number(),
    sequence: z.number().int(),
    /** A command's name, or `start`, `expire`, `drained`, `replenished` for what the campaign did by itself. */
    command: z.string(),
    by: z.string(),
    why: z.string(),
    from: status,
    to: status,
    commandId: z.string().optional(),
    /** Hash of the command, to tell a repeat from another command under the same id. */
    digest: z.string().length(43).optional(),
  })
  .readonly();
export type AuditEntry = z.infer<typeof auditEntrySchema>;

const campaignStateSchema = z
  .strictObject({
    status,
    /** Undefined before the first `define`. Its budgetCents is the one in force, raised or not. */
    definition: campaignDefinitionSchema.optional(),
    startsAtMs: z.number(),
    endsAtMs: z.number(),
    budget: budgetSchema,
    audit: z.array(auditEntrySchema).max(AUDIT_ENTRIES_MAX).readonly(),
  })
  .readonly();

export type CampaignState = Omit<z.infer<typeof campaignStateSchema>, 'definition'> & {
  readonly definition?: CampaignDefinition | undefined;
};

const EMPTY: CampaignState = Object.freeze({
  status: 'draft',
  startsAtMs: 0,
  endsAtMs: 0,
  budget: emptyBudget(0),
  audit: [],
});

export const emptyCampaign = (): CampaignState => EMPTY;

export const isEmptyCampaign = (state: CampaignState): boolean => state.definition === undefined;

/** Throws a ZodError for anything that is not a saved campaign. */
export const reviveCampaign = (saved: unknown): CampaignState => campaignStateSchema.parse(saved);

/** When the campaign next does something by itself; 0 for never. */
export function nextDueMs(state: CampaignState): number {
  if (state.status === 'draft' || state.status === 'ended') return 0;
  const starts = state.status === 'scheduled' ? state.startsAtMs : 0;
  const retries = state.status === 'live' ? state.budget.retryAtMs : 0;
  const dues = [starts, state.endsAtMs, retries].filter((due) => due > 0);
  return dues.length === 0 ? 0 : Math.min(...dues);
}
