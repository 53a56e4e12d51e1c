/**
 * A driver's duty: her own actor knows in which zone she counts. Coming, moving, leaving, falling silent and withdrawing
 * consent each tell a zone once that it has one driver more or fewer; never who. What was said is ordered by the sender's
 * time: what is older than the last that was said changes nothing.
 */
import type { InboundEvent } from '../../messages/events.js';
import { SUPPLY_OUTPUT, type SupplyChange } from '../../messages/zones.js';
import type { FoldWork } from './fold-work.js';
import { mayWrite } from './slices.js';

/** Signs of life of a driver; of one who was never said to be on duty, a move says nothing. */
export const DUTY_TYPES: ReadonlySet<string> = new Set(['driver.online', 'driver.moved', 'driver.offline']);

/** Folds what an event says of the duty; `cell` is where it happened. */
export function foldDuty(work: FoldWork, event: InboundEvent, cell: string | undefined): void {
  if (!DUTY_TYPES.has(event.type) || !mayWrite(work, 'duty')) return;
  const { dutyZone, dutyAtMs } = work.state;
  // A fast clock must not keep later signs from counting.
  const saidMs = Math.min(event.timeMs, work.ctx.atMs);
  if (saidMs < dutyAtMs) return;
  if (event.type === 'driver.offline') leaveDuty(work);
  else if (dutyZone !== '' || (event.type === 'driver.online' && cell !== undefined))
    stay(work, cell ?? dutyZone, saidMs);
  else return;
  work.state = { ...work.state, dutyAtMs: saidMs };
}

/** Takes a driver off the map, if she is on it. */
export function leaveDuty(work: FoldWork): void {
  const { dutyZone } = work.state;
  if (dutyZone === '') return;
  tell(work, dutyZone, -1);
  work.state = { ...work.state, dutyZone: '', dutyCheckMs: 0 };
}

/** Looks whether a driver has fallen silent. */
export function checkDuty(work: FoldWork, atMs: number): void {
  const { dutyCheckMs, dutyAtMs } = work.state;
  if (dutyCheckMs === 0 || dutyCheckMs > atMs) return;
  const silentAtMs = dutyAtMs + work.ctx.settings.user.dutyTimeoutMs;
  if (silentAtMs <= atMs) leaveDuty(work);
  else work.state = { ...work.state, dutyCheckMs: silentAtMs };
}

function stay(work: FoldWork, cell: string, saidMs: number): void {
  const { dutyZone, dutyCheckMs } = work.state;
  if (cell === dutyZone) return;
  if (dutyZone !== '') tell(work, dutyZone, -1);
  tell(work, cell, 1);
  const checkMs = dutyZone === '' ? saidMs + work.ctx.settings.user.dutyTimeoutMs : dutyCheckMs;
  work.state = { ...work.state, dutyZone: cell, dutyCheckMs: checkMs };
}

function tell(work: FoldWork, cell: string, by: SupplyChange['by']): void {
  const body: SupplyChange = { by };
  work.effects.push({ to: 'actor', address: { kind: 'zone', token: cell }, name: SUPPLY_OUTPUT, body });
}
