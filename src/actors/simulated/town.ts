import { createSecretKey } from 'node:crypto';
import { DEFAULT_FOLD_SETTINGS, type FoldSettings } from '../../messages/settings.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import { softmaxScorePolicy } from '../../policies/softmax-score/policy.js';
import { staticPolicy } from '../../policies/static/policy.js';
import type { Policy } from '../../policies/policy.js';
import { episodesOf, rewardsOf } from '../../surfaces/load-surfaces.js';
import { campaignsSource } from '../../surfaces/sources/campaigns.js';
import { compileSurface, type Surface } from '../../surfaces/surface.js';
import { CampaignLedgerState } from '../campaign/ledger.js';
import { campaignKind } from '../campaign/campaign.kind.js';
import type { ActorKind } from '../host/actor-kind.js';
import type { DecisionServices } from '../user/services.js';
import { userKind } from '../user/user.kind.js';
import { zoneKind } from '../zone/zone.kind.js';
import type { Cast } from './fleet.js';

/** Asked for, never pushed; every answer counts as shown. */
export const TOWN_PICKUP = 'rider.pickup';
/** Paid for by campaigns; counts once it has been seen. */
export const TOWN_PROMO = 'promo.discount';

/** What events are worth on every surface of the town; the largest counts. */
export const TOWN_SIGNALS: Readonly<Record<string, { readonly value: number }>> = {
  accept: { value: 1 },
  click: { value: 0.2 },
  skip: { value: 0 },
};
const signals = TOWN_SIGNALS;
/** For so long after its window a decision on the surface TOWN_PICKUP can be corrected. */
export const TOWN_CORRECTION_MS = 3_000;

/** The engine's own surfaces in shape, with windows of seconds. */
const surfaces: ReadonlyMap<string, Surface> = new Map(
  [
    {
      id: TOWN_PICKUP,
      subjectKinds: ['rider'],
      slate: { k: 2, max: 3 },
      candidates: { source: 'request' },
      policy: 'pickup',
      fallback: ['given'],
      reward: { windowMs: 1_500, signals, impression: 'assumed', correctionMs: TOWN_CORRECTION_MS },
      caps: [
        { scope: 'surface', max: 4, windowMs: 4_000 },
        { scope: 'candidate', max: 3, windowMs: 5_000 },
      ],
      fatigue: { cost: 1, exempt: false },
      validMs: 1_000,
      exploration: { floor: 0.1 },
      state: [{ name: 'frequency', from: 'feature', key: 'eventsPerDay', edges: [1, 4] }],
      observation: [{ name: 'frequency', from: 'feature', key: 'eventsPerDay' }],
      episode: { timeout: 'terminal', endsOn: ['session.ended', 'trip.completed'] },
      log: { subject: ['eventsPerDay'] },
    },
    {
      id: TOWN_PROMO,
      subjectKinds: ['rider'],
      slate: { k: 1, max: 2 },
      candidates: { source: 'campaigns' },
      policy: 'unpublished',
      fallback: ['given'],
      reward: { windowMs: 2_000, signals, impression: 'required' },
      caps: [{ scope: 'campaign', max: 6, windowMs: 4_000 }],
      validMs: 800,
      log: { eligible: true },
    },
  ].map((definition) => [definition.id, compileSurface(definition)]),
);

interface TownCap {
  readonly name: string;
  readonly max: number;
  readonly windowMs: number;
  /** The counter that a candidate falls under. */
  readonly keyOf: (candidate: string) => string;
}

/** By surface. A campaign's offers are called after it. */
export const TOWN_CAPS: Readonly<Record<string, readonly TownCap[]>> = Object.fromEntries(
  [...surfaces].map(([id, { caps }]) => [
    id,
    caps.map(({ name, scope, max, windowMs }) => ({
      name,
      max,
      windowMs,
      keyOf: (candidate) =>
        scope === 'surface' ? name : `${name}|${scope === 'campaign' ? candidate.split('-')[0]! : candidate}`,
    })),
  ]),
);

const ref = (id: string) => ({ id, version: 1 });
const policies = new Map<string, Policy>([
  ['pickup', softmaxScorePolicy({ policy: ref('pickup'), parameters: { feature: 'near', temperature: 1 } })],
  ['given', staticPolicy({ policy: ref('given'), parameters: { order: 'given' } })],
]);

const services: DecisionServices = {
  surfaces,
  policies: { get: (id) => policies.get(id) },
  sources: new Map([[campaignsSource.name, campaignsSource]]),
  zones: { get: () => undefined, all: () => [], staleMs: () => Infinity },
  samplingKey: createSecretKey(Buffer.from('a key that only simulations use')),
};

/** The engine's own actors. */
export const TOWN_CAST: Cast<CampaignLedger> = {
  kinds: [userKind('user'), userKind('anon'), zoneKind, campaignKind] as unknown as ActorKind<
    never,
    CampaignLedger,
    never
  >[],
  createShared: () => new CampaignLedgerState(),
  services,
};

/** Every second variant is a cluster whose configuration is being changed. */
export function townSettings(partitions: number, variant = 0): FoldSettings {
  const other = variant % 2 === 1;
  return {
    ...DEFAULT_FOLD_SETTINGS,
    partitions,
    user: {
      ...DEFAULT_FOLD_SETTINGS.user,
      sessionIdleMs: other ? 3_000 : 2_000,
      pendingMax: other ? 6 : 4,
      dutyTimeoutMs: 2_500,
      fatigue: { halfLifeMs: 1_000, threshold: 6, coolDownMs: 800 },
    },
    zone: { ...DEFAULT_FOLD_SETTINGS.zone, halfLifeMs: 500 },
    campaign: { ...DEFAULT_FOLD_SETTINGS.campaign, initialShare: other ? 3 : 2, holdGraceMs: other ? 300 : 200 },
    rewards: rewardsOf(surfaces),
    episodes: episodesOf(surfaces),
  };
}
