/** Looks at the engine from outside now and then: budgets, zones, learners. */
import type { ZoneFacts } from '../../messages/zones.js';
import { CITY_CAMPAIGNS } from '../../simulator/campaigns.js';
import { EngineError } from '../../kernel/errors.js';
import type { ApiClient } from '../api-client.js';
import type { LearnerView } from './dashboard.js';
import { campaignView, type CampaignView } from './setting-up.js';

const ZONES_MAX = 1000;

export interface EngineView {
  readonly campaigns: readonly CampaignView[];
  /** Zones by mode. */
  readonly zones: Readonly<Record<string, number>>;
  readonly learners: readonly LearnerView[];
}

export const NOTHING_SEEN: EngineView = { campaigns: [], zones: {}, learners: [] };

/** What cannot be seen at the moment is left out. */
export async function lookAt(api: ApiClient, learnerIds: readonly string[]): Promise<EngineView> {
  const [campaigns, zones, learners] = await Promise.all([
    Promise.all(CITY_CAMPAIGNS.map(({ id }) => seen(campaignView(api, id)))),
    seen(api.get<{ zones: readonly ZoneFacts[] }>(`/v1/zones?limit=${ZONES_MAX}`)),
    Promise.all(learnerIds.map((id) => seen(api.get<LearnerView>(`/v1/learners/${id}`)))),
  ]);
  const byMode: Record<string, number> = {};
  for (const { mode } of zones?.zones ?? []) byMode[mode] = (byMode[mode] ?? 0) + 1;
  return { campaigns: campaigns.filter(isThere), zones: byMode, learners: learners.filter(isThere) };
}

const isThere = <T>(value: T | undefined): value is T => value !== undefined;

async function seen<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
