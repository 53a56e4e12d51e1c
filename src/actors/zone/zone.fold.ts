/** The zone's fold: feedback at one H3 cell becomes windows, exact totals, a demand profile and a mode. */
import type { CampaignLedger } from '../../messages/campaigns.js';
import { isZoneCell, zoneIdRule } from '../../messages/cells.js';
import { isAboutConsent } from '../../messages/events.js';
import type { FoldSettings } from '../../messages/settings.js';
import { SUPPLY_OUTPUT } from '../../messages/zones.js';
import { hourIndexOf } from '../../surfaces/sources/hour-of-week.js';
import type { ActorRecord, FoldContext, Folded } from '../host/actor-kind.js';
import { decayed, msUntilRatio } from './decay.js';
import { advanceTo, countPickup } from './demand-profile.js';
import { balanceRatio, modeAfter } from './zone.machine.js';
import { isEmptyZone, type ZoneState } from './zone.state.js';

export const ZONE_SIGNALS = ['pickup', 'trip.requested'] as const;
type ZoneSignal = (typeof ZONE_SIGNALS)[number];

const DUTY = 'driver.';

const isSignal = (name: string): name is ZoneSignal => (ZONE_SIGNALS as readonly string[]).includes(name);

export function foldZone(state: ZoneState, record: ActorRecord, ctx: FoldContext<CampaignLedger>): Folded<ZoneState> {
  if (record.type === 'timer') return folded(settle(state, ctx));
  if (record.type === 'event' && isAboutConsent(record.event.type)) {
    return rejected(state, `CONSENT_OF_USER: ${record.event.type} is an event of a person, not of a zone`);
  }
  // Anybody may tell a zone anything, and most of it is none of its business.
  if (record.type === 'event' && !isSignal(record.event.type) && !record.event.type.startsWith(DUTY)) {
    return { state, outcome: 'ignored', reason: 'event-type-unknown', effects: [] };
  }
  // Only a zone that has never folded anything can have a token that is no cell.
  if (isEmptyZone(state) && !isZoneCell(ctx.address.token, ctx.settings.h3Resolution)) {
    return rejected(state, notACell(ctx.settings));
  }
  const isSupply = record.type === 'output' && record.name === SUPPLY_OUTPUT;
  const counted = isSupply ? supplied(state, record.body, ctx) : signalled(state, record, ctx);
  if (typeof counted === 'string') return rejected(state, counted);
  return folded(rebalance({ ...counted, foldedAtMs: ctx.atMs, sequence: ctx.sequence }, ctx.atMs, ctx.settings));
}

const rejected = (state: ZoneState, reason: string): Folded<ZoneState> => ({
  state,
  outcome: 'rejected',
  reason,
  effects: [],
});

export const notACell = (settings: FoldSettings): string => `A zone's id must be ${zoneIdRule(settings.h3Resolution)}.`;

const folded = (state: ZoneState): Folded<ZoneState> => ({ state, outcome: 'applied', effects: [] });

/** With one driver more or fewer, or why that cannot be. Of who it is a zone knows nothing. */
function supplied(state: ZoneState, body: unknown, { atMs }: FoldContext<CampaignLedger>): ZoneState | string {
  const by = (body as { by?: unknown } | null)?.by;
  if (by !== 1 && by !== -1) return 'by must be 1 or -1.';
  if (state.drivers + by < 0) return 'SUPPLY_BELOW_ZERO: more drivers left the zone than came';
  const opened = openedAt(state, atMs);
  return { ...opened, drivers: opened.drivers + by };
}

/** A zone's clock begins with the first it hears. */
const openedAt = (state: ZoneState, timeMs: number): ZoneState =>
  isEmptyZone(state) ? { ...state, atMs: timeMs, hourIndex: hourIndexOf(timeMs) } : state;

function signalled(
  state: ZoneState,
  record: Exclude<ActorRecord, { type: 'timer' }>,
  { atMs, settings }: FoldContext<CampaignLedger>,
): ZoneState | string {
  const signal = signalOf(record);
  if (typeof signal === 'string') return signal;
  return { ...count(state, signal.name, signal.timeMs, settings), demandAtMs: atMs };
}

/** What the record says, or why it says nothing to a zone. */
function signalOf(record: Exclude<ActorRecord, { type: 'timer' }>): { name: ZoneSignal; timeMs: number } | string {
  if (record.type === 'event') {
    const { type, timeMs } = record.event;
    if (isSignal(type)) return { name: type, timeMs };
    return `DUTY_OF_DRIVER: ${type} is an event of the driver, not of a zone`;
  }
  if (record.type !== 'output' || !isSignal(record.name)) return `A zone has no use for this ${record.type}.`;
  const timeMs = (record.body as { timeMs?: unknown } | null)?.timeMs;
  if (typeof timeMs !== 'number' || !Number.isFinite(timeMs)) return 'timeMs must be a number of milliseconds.';
  return { name: record.name, timeMs };
}

function count(state: ZoneState, name: ZoneSignal, timeMs: number, settings: FoldSettings): ZoneState {
  const { halfLifeMs, learningRate } = settings.zone;
  const hour = hourIndexOf(timeMs);
  const opened = openedAt(state, timeMs);
  const atMs = Math.max(opened.atMs, timeMs);
  const elapsedMs = atMs - opened.atMs;
  // A late event weighs what it would weigh now had it come in time.
  const weight = decayed(1, atMs - timeMs, halfLifeMs);
  const here = (signal: ZoneSignal): number => (name === signal ? weight : 0);
  const moved: ZoneState = {
    ...advanceTo(opened, hour, { timeZone: settings.timeZone, learningRate }),
    atMs,
    pickups: decayed(opened.pickups, elapsedMs, halfLifeMs) + here('pickup'),
    requests: decayed(opened.requests, elapsedMs, halfLifeMs) + here('trip.requested'),
  };
  return name === 'pickup' ? { ...countPickup(moved, hour), pickupsTotal: moved.pickupsTotal + 1 } : moved;
}

/**
 * The mode at fold time `nowMs`, what it offers, and when to look again. Without pickups demand fades, and with it the
 * reason for the mode; a supply that no demand meets goes on until its drivers do.
 */
function rebalance(state: ZoneState, nowMs: number, settings: FoldSettings): ZoneState {
  const { halfLifeMs, enterRatio, leaveRatio, incentiveCents } = settings.zone;
  // A trip is requested and then picked up: the larger of the two windows counts it once.
  const idleMs = Math.max(0, nowMs - state.demandAtMs);
  const demand = decayed(Math.max(state.pickups, state.requests), idleMs, halfLifeMs);
  const mode = modeAfter(state.mode, balanceRatio(demand, state.drivers), settings.zone);
  const now: ZoneState = { ...state, mode, incentiveCents: incentiveCents[mode] };
  const next = mode === 'undersupplied' ? leaveRatio : mode === 'balanced' ? 1 / enterRatio : undefined;
  const waitMs = next === undefined ? Infinity : msUntilRatio(demand, state.drivers, next, halfLifeMs);
  if (waitMs === Infinity) return { ...now, checkAtMs: 0 };
  // The timer is left where it stands until it fires: moving it with every event would cost more than it saves.
  if (mode === state.mode && state.checkAtMs > nowMs) return now;
  return { ...now, checkAtMs: nowMs + Math.ceil(waitMs) + 1 };
}

const settle = (state: ZoneState, ctx: FoldContext<CampaignLedger>): ZoneState =>
  rebalance({ ...state, sequence: ctx.sequence }, ctx.atMs, ctx.settings);
