/** The zone's fold: feedback at one H3 cell becomes windows, exact totals, a demand profile and a mode. */
import { getResolution, isValidCell } from 'h3-js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { FoldSettings } from '../../messages/settings.js';
import { hourIndexOf } from '../../surfaces/sources/hour-of-week.js';
import type { ActorRecord, FoldContext, Folded } from '../host/actor-kind.js';
import { decayed, msUntilRatio } from './decay.js';
import { advanceTo, countPickup } from './demand-profile.js';
import { balanceRatio, modeAfter } from './zone.machine.js';
import { isEmptyZone, type ZoneState } from './zone.state.js';

export const ZONE_SIGNALS = ['pickup', 'trip.requested', 'driver.online', 'driver.offline'] as const;
type ZoneSignal = (typeof ZONE_SIGNALS)[number];

const isSignal = (name: string): name is ZoneSignal => (ZONE_SIGNALS as readonly string[]).includes(name);

export const isZoneCell = (token: string, resolution: number): boolean =>
  isValidCell(token) && getResolution(token) === resolution;

export function foldZone(state: ZoneState, record: ActorRecord, ctx: FoldContext<CampaignLedger>): Folded<ZoneState> {
  if (record.type === 'timer') return folded(settle(state, ctx));
  const signal = signalOf(record);
  if (typeof signal === 'string') return { state, outcome: 'rejected', reason: signal, effects: [] };
  // Only a zone that has never folded anything can have a token that is no cell.
  if (isEmptyZone(state) && !isZoneCell(ctx.address.token, ctx.settings.h3Resolution)) {
    return { state, outcome: 'rejected', reason: notACell(ctx.settings), effects: [] };
  }
  const counted = count(state, signal.name, signal.timeMs, ctx.settings);
  return folded(rebalance({ ...counted, foldedAtMs: ctx.atMs, sequence: ctx.sequence }, 0, ctx.settings));
}

export const notACell = (settings: FoldSettings): string =>
  `A zone's id must be an H3 cell index of resolution ${settings.h3Resolution}.`;

const folded = (state: ZoneState): Folded<ZoneState> => ({ state, outcome: 'applied', effects: [] });

/** What the record says, or why it says nothing to a zone. */
function signalOf(record: Exclude<ActorRecord, { type: 'timer' }>): { name: ZoneSignal; timeMs: number } | string {
  if (record.type === 'event') {
    const { type, timeMs } = record.event;
    return isSignal(type) ? { name: type, timeMs } : `A zone has no use for events of type ${type}.`;
  }
  if (record.type !== 'output' || !isSignal(record.name)) return `A zone has no use for this ${record.type}.`;
  const timeMs = (record.body as { timeMs?: unknown } | null)?.timeMs;
  if (typeof timeMs !== 'number' || !Number.isFinite(timeMs)) return 'timeMs must be a number of milliseconds.';
  return { name: record.name, timeMs };
}

function count(state: ZoneState, name: ZoneSignal, timeMs: number, settings: FoldSettings): ZoneState {
  const { halfLifeMs, learningRate } = settings.zone;
  const hour = hourIndexOf(timeMs);
  const opened = isEmptyZone(state) ? { ...state, atMs: timeMs, hourIndex: hour } : state;
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
    drivers: Math.max(
      0,
      decayed(opened.drivers, elapsedMs, halfLifeMs) + here('driver.online') - here('driver.offline'),
    ),
  };
  return name === 'pickup' ? { ...countPickup(moved, hour), pickupsTotal: moved.pickupsTotal + 1 } : moved;
}

/** The mode after `idleMs` without an event, and when to look again. */
function rebalance(state: ZoneState, idleMs: number, settings: FoldSettings): ZoneState {
  const { halfLifeMs, leaveRatio } = settings.zone;
  // A trip is requested and then picked up: the larger of the two windows counts it once.
  const demand = decayed(Math.max(state.pickups, state.requests), idleMs, halfLifeMs);
  const supply = decayed(state.drivers, idleMs, halfLifeMs);
  const mode = modeAfter(state.mode, balanceRatio(demand, supply), settings.zone);
  if (mode === 'balanced') return { ...state, mode, checkAtMs: 0 };
  // The timer is left where it stands until it fires: moving it with every event would cost more than it saves.
  if (mode === state.mode && state.checkAtMs > state.foldedAtMs + idleMs) return state;
  const leave = mode === 'undersupplied' ? leaveRatio : 1 / leaveRatio;
  const waitMs = Math.ceil(msUntilRatio(demand, supply, leave, halfLifeMs)) + 1;
  return { ...state, mode, checkAtMs: state.foldedAtMs + idleMs + waitMs };
}

/** Without events both windows fade, and with them the reason for the mode. The zone's own clock stands still. */
const settle = (state: ZoneState, ctx: FoldContext<CampaignLedger>): ZoneState =>
  rebalance({ ...state, sequence: ctx.sequence }, Math.max(0, ctx.atMs - state.foldedAtMs), ctx.settings);
