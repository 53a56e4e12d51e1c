/** Makes the engine ready for the city: consents and campaigns, through the API like any app. */
import { EngineError } from '../../kernel/errors.js';
import type { CampaignStatus } from '../../messages/campaigns.js';
import { CITY_CAMPAIGNS, type CityCampaign } from '../../simulator/campaigns.js';
import type { City } from '../../simulator/city.js';
import type { ApiClient, ApiEvent } from '../api-client.js';

const VIEWS_AT_ONCE = 16;
const EVENTS_PER_BATCH = 500;

export interface CampaignView {
  readonly id: string;
  readonly status: CampaignStatus;
  readonly budgetCents: number;
  readonly spentCents: number;
}

/**
 * Decisions that the engine remembers of the city's people from earlier runs. Of those who have not consented it
 * remembers nothing.
 */
export async function rememberedDecisions(api: ApiClient, city: City): Promise<number> {
  const ids = [...city.riders, ...city.drivers].map(({ id }) => id);
  let decisions = 0;
  for (let i = 0; i < ids.length; i += VIEWS_AT_ONCE) {
    const views = await Promise.all(
      ids.slice(i, i + VIEWS_AT_ONCE).map((id) => api.get<{ counters: { decisions?: number } }>(`/v1/users/${id}`)),
    );
    for (const { counters } of views) decisions += counters.decisions ?? 0;
  }
  return decisions;
}

/** Riders who consent and all drivers say so. Rejects with the first refusal's error. */
export async function grantConsents(api: ApiClient, city: City, source: string): Promise<void> {
  const willing = [...city.riders.filter(({ consents }) => consents), ...city.drivers];
  const events = willing.map(({ id }): ApiEvent => ({
    id: 'consent',
    source,
    type: 'consent.granted',
    subject: `user/${id}`,
  }));
  for (let i = 0; i < events.length; i += EVENTS_PER_BATCH) {
    const { rejected } = await api.send(events.slice(i, i + EVENTS_PER_BATCH));
    const [first] = rejected;
    if (first) throw new EngineError('Dependency', first.code, `Consent was refused: ${first.message}`);
  }
}

/** Defines and launches what is not there yet; what an earlier run has exhausted gets its budget once more. */
export async function launchCampaigns(api: ApiClient): Promise<void> {
  for (const campaign of CITY_CAMPAIGNS) {
    const view = await campaignView(api, campaign.id);
    if (view === undefined) await command(api, campaign, 'define', campaign.definition);
    if (view === undefined || view.status === 'draft') await command(api, campaign, 'launch');
    else if (view.status === 'exhausted') {
      const budgetCents = view.budgetCents + campaign.definition.budgetCents;
      await command(api, campaign, 'raise-budget', { budgetCents });
    }
  }
}

/** Undefined before a campaign is defined. */
export async function campaignView(api: ApiClient, id: string): Promise<CampaignView | undefined> {
  try {
    return await api.get<CampaignView>(`/v1/campaigns/${id}`);
  } catch (error) {
    if (error instanceof EngineError && error.family === 'NotFound') return undefined;
    throw error;
  }
}

const command = (api: ApiClient, { id }: CityCampaign, name: string, payload?: unknown): Promise<unknown> =>
  api.post(`/v1/campaigns/${id}/commands`, {
    name,
    why: 'The demo needs it.',
    ...(payload === undefined ? {} : { payload }),
  });
