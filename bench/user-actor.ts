/** The user actor by itself, without host, journal or network: what a decision and a fold cost, and what a state weighs. */
import { createSecretKey } from 'node:crypto';
import type { FoldContext, HandleContext } from '../src/actors/host/actor-kind.js';
import type { DecisionServices } from '../src/actors/user/services.js';
import { userKind } from '../src/actors/user/user.kind.js';
import type { UserState } from '../src/actors/user/state.js';
import type { CampaignLedger } from '../src/messages/campaigns.js';
import type { EventData } from '../src/messages/events.js';
import { DEFAULT_FOLD_SETTINGS } from '../src/messages/settings.js';
import { loadPolicies } from '../src/policies/declared-policies.js';
import type { Policy } from '../src/policies/policy.js';
import { compileSurface } from '../src/surfaces/surface.js';
import { rewardsOf } from '../src/surfaces/load-surfaces.js';

const kind = userKind('user');
const NOW_MS = Date.UTC(2025, 0, 6, 9);
const address = { kind: 'user', token: '42' } as const;
const declared = loadPolicies('config/policies');
const uniform: Policy = {
  ref: { id: 'uniform', version: 1 },
  distribution: (_context, candidates) => candidates.map(() => 1 / candidates.length),
  scores: (_context, candidates) => candidates.map(() => 0),
  explain: () => [],
};
const surface = compileSurface({
  id: 'bench',
  subjectKinds: ['rider'],
  slate: { k: 3, max: 10 },
  candidates: { source: 'request' },
  policy: 'uniform',
  fallback: ['given-order'],
  reward: { windowMs: 600_000, signals: { click: { value: 1 } } },
  caps: [
    { scope: 'surface', max: 1000, windowMs: 86_400_000 },
    { scope: 'candidate', max: 1000, windowMs: 86_400_000 },
  ],
  validMs: 60_000,
  exploration: { floor: 0.05 },
  log: { eligible: true },
});
const surfaces = new Map([[surface.id, surface]]);
const settings = { ...DEFAULT_FOLD_SETTINGS, rewards: rewardsOf(surfaces) };
const services: DecisionServices = {
  surfaces,
  policies: { get: (id) => (id === 'uniform' ? uniform : declared.get(id)) },
  sources: new Map(),
  zones: { get: () => undefined, all: () => [], staleMs: () => 0 },
  samplingKey: createSecretKey('bench', 'utf8'),
};
let nonces = 0;
let sequence = 0;

const foldContext = (atMs: number): FoldContext<CampaignLedger> => ({
  address,
  partition: 0,
  sequence: ++sequence,
  atMs,
  settings,
  shared: { campaigns: {} },
});
const handleContext = (): HandleContext<CampaignLedger, DecisionServices> => ({
  address,
  partition: 0,
  identity: 'bench',
  sequence,
  nowMs: NOW_MS,
  settings,
  shared: { campaigns: {} },
  reserved: () => 0,
  overlay: [],
  degraded: [],
  services,
  nonce: () => `nonce${(nonces++).toString(36).padStart(8, '0')}`,
  trace: undefined,
});
const event = (type: string, data: EventData, i: number) =>
  ({ type: 'event', event: { source: 's', id: `${i}`, type, timeMs: NOW_MS, data } }) as const;

function consented(): UserState {
  const { state, outcome } = kind.fold(kind.create(address), event('consent.granted', {}, 0), foldContext(NOW_MS));
  if (outcome !== 'applied') throw new Error(outcome);
  return state;
}

function perSecond(name: string, rounds: number, run: (i: number) => void): void {
  for (let i = 0; i < rounds / 4; i++) run(i);
  // CPU time of this thread: other work on the machine does not blur it.
  const started = process.threadCpuUsage();
  for (let i = 0; i < rounds; i++) run(i);
  const used = process.threadCpuUsage(started);
  const each = (used.user + used.system) / rounds;
  process.stdout.write(`${name.padEnd(44)} ${each.toFixed(2).padStart(8)} µs ${Math.round(1e6 / each)}/s\n`);
}

const request = {
  surface: 'bench',
  subject: { kind: 'rider', id: '42' },
  context: { lat: 40.75, lng: -73.98 },
  candidates: Array.from({ length: 10 }, (_, i) => ({ id: `door-${i}`, features: { distanceM: 10 * i } })),
  k: 3,
};
let state = consented();
perSecond(
  'decide, ten candidates, two caps',
  100_000,
  () => void kind.handle(state, 'decide', request, handleContext()),
);
let requests = 0;
perSecond('decide, with a requestId', 100_000, () => {
  kind.handle(state, 'decide', { ...request, requestId: `r${requests++}` }, handleContext());
});
perSecond('fold a click without a decision', 500_000, (i) => {
  state = kind.fold(state, event('trip.started', {}, i), foldContext(NOW_MS + i)).state;
});
perSecond('fold a pickup with its zone', 500_000, (i) => {
  const place = { lat: 40.7 + (i % 1000) / 10_000, lng: -73.9 };
  state = kind.fold(state, event('pickup', place, i), foldContext(NOW_MS + i)).state;
});
const fresh = consented();
const handling = kind.handle(fresh, 'decide', request, handleContext());
if (handling.do !== 'append') throw new Error(handling.do);
const body = JSON.parse(JSON.stringify(handling.body)) as { id: string };
const opened = kind.fold(fresh, { type: 'decision', body }, foldContext(NOW_MS));
if (opened.outcome !== 'applied') throw new Error(opened.reason);
perSecond('fold a decision', 100_000, () => void kind.fold(fresh, { type: 'decision', body }, foldContext(NOW_MS)));
perSecond('fold a click on a decision', 100_000, (i) => {
  kind.fold(opened.state, event('click', { decisionId: body.id }, i), foldContext(NOW_MS));
});

const USERS = 100_000;
globalThis.gc?.();
const before = process.memoryUsage();
const states: UserState[] = [];
for (let i = 0; i < USERS; i++) {
  // As after an activation: from a snapshot's text, then some life.
  let one = kind.revive(JSON.parse(JSON.stringify(consented())));
  for (let j = 0; j < 3; j++) {
    const place = { lat: 40.7 + (i % 1000) / 10_000, lng: -73.9 - j / 100 };
    one = kind.fold(one, event('pickup', place, j), foldContext(NOW_MS + i + j)).state;
  }
  if (process.argv.includes('--pending')) {
    const own = { ...body, basedOn: sequence };
    one = kind.fold(one, { type: 'decision', body: own }, foldContext(NOW_MS + i)).state;
  }
  states.push(one);
}
globalThis.gc?.();
const after = process.memoryUsage();
const each = (field: 'rss' | 'heapUsed'): string => `${Math.round((after[field] - before[field]) / USERS)} bytes`;
process.stdout.write(`${states.length} states: ${each('heapUsed')} of heap, ${each('rss')} resident each\n`);
