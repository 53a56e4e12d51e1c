/** A user actor by itself, without host, journal or network: its kind, its contexts, and states worth measuring. */
import { createSecretKey } from 'node:crypto';
import type { ActorAddress, ActorRecord, FoldContext, HandleContext } from '../../src/actors/host/actor-kind.js';
import type { DecisionServices } from '../../src/actors/user/services.js';
import type { UserState } from '../../src/actors/user/state.js';
import { userKind } from '../../src/actors/user/user.kind.js';
import { CampaignLedger } from '../../src/messages/campaigns.js';
import { THIS_BUILD } from '../../src/messages/versions.js';
import type { EventData } from '../../src/messages/events.js';
import { DEFAULT_FOLD_SETTINGS } from '../../src/messages/settings.js';
import { loadPolicies } from '../../src/policies/declared-policies.js';
import { episodesOf, loadSurfaces, rewardsOf } from '../../src/surfaces/load-surfaces.js';

export const NOW_MS = Date.UTC(2025, 0, 6, 9);
export const riderKind = userKind('user');
const policies = loadPolicies('config/policies');
const surfaces = loadSurfaces('bench/config/decisions', policies);
const settings = { ...DEFAULT_FOLD_SETTINGS, rewards: rewardsOf(surfaces), episodes: episodesOf(surfaces) };
const services: DecisionServices = {
  surfaces,
  policies,
  sources: new Map(),
  zones: { get: () => undefined, all: () => [], staleMs: () => 0 },
  samplingKey: createSecretKey('bench', 'utf8'),
};
const RIDER: ActorAddress = { kind: 'user', token: '42' };
let nonces = 0;
let sequence = 0;

export const foldContext = (atMs = NOW_MS): FoldContext<CampaignLedger> => ({
  address: RIDER,
  partition: 0,
  sequence: ++sequence,
  atMs,
  settings,
  semantics: THIS_BUILD.semantics,
  shared: CampaignLedger.EMPTY,
});

export const handleContext = (): HandleContext<CampaignLedger, DecisionServices> => ({
  address: RIDER,
  partition: 0,
  identity: 'bench',
  sequence,
  nowMs: NOW_MS,
  settings,
  semantics: THIS_BUILD.semantics,
  shared: CampaignLedger.EMPTY,
  reserved: () => 0,
  overlay: [],
  degraded: [],
  services,
  nonce: () => `nonce${(nonces++).toString(36).padStart(8, '0')}`,
  trace: undefined,
  directApp: undefined,
});

export const eventRecord = (type: string, data: EventData, i: number): ActorRecord => ({
  type: 'event',
  event: { source: 's', id: `${i}`, type, timeMs: NOW_MS, data },
});

/** Folds and rejects anything but success: a bench must not measure how fast records are refused. */
export function applied(state: UserState, record: ActorRecord, atMs = NOW_MS): UserState {
  const folded = riderKind.fold(state, record, foldContext(atMs));
  if (folded.outcome !== 'applied') throw new Error(`${folded.outcome}: ${folded.reason}`);
  return folded.state;
}

export const consented = (): UserState => applied(riderKind.create(RIDER), eventRecord('consent.granted', {}, 0));

/** The decision that a state answers a request with, as it comes out of the journal. */
export function decided(state: UserState, request: unknown): { readonly id: string } {
  const handling = riderKind.handle(state, 'decide', request, handleContext());
  if (handling.do !== 'append') throw new Error(`a decision was answered with ${handling.do}`);
  return JSON.parse(JSON.stringify(handling.body)) as { id: string };
}
