/**
 * A driver's duty: her own actor knows in which zone she counts. Coming, moving, leaving, falling silent and withdrawing
 * consent each tell a zone once that it has one driver more or fewer; never who. What was said is ordered by the sender's
 * time: what is older than the last that was said changes nothing.
 */
import type { InboundEvent } from '../../messages/events.js';
import { SUPPLY_OUTPUT, type SupplyChange } from '../../messages/zones.js';
import { withdrawnMsOf, type ConsentTable } from './consent-table.js';
import type { FoldWork } from './fold-work.js';
import { mayWrite, SLICES } from './slices.js';
import type { UserState } from './state.js';

/** Signs of life of a driver; of one who was never said to be on duty, a move says nothing. */
export const DUTY_TYPES: ReadonlySet<string> = new Set(['driver.online', 'driver.moved', 'driver.offline']);

/** Folds what an event says of the duty; `cell` is where it happened. */
export function foldDuty(work: FoldWork, event: InboundEvent, cell: string | undefined): void {
  if (!DUTY_TYPES.has(event.type) || !mayWrite(work, 'duty')) return;
  const { dutyAtMs, consent } = work.state;
  // A fast clock must not keep later signs from counting.
  const saidMs = Math.min(event.timeMs, work.ctx.atMs);
  if (saidMs < dutyAtMs) return;
  // What was said before a withdrawal went with it, also where it comes after the next grant.
  if (saidMs <= withdrawnMsOf(consent, SLICES.duty.purpose)) return;
  if (event.type === 'driver.offline') leaveDuty(work);
  else if (isOnDuty(work.state)) stay(work, cell, saidMs);
  // Of two that say the same time, leaving counts.
  else if (event.type === 'driver.online' && saidMs > dutyAtMs) stay(work, cell, saidMs);
  else return;
  work.state = { ...work.state, dutyAtMs: saidMs };
}

/** Also while it is not known where: then no zone counts her yet. */
const isOnDuty = ({ dutyCheckMs }: UserState): boolean => dutyCheckMs > 0;

/** Whether a withdrawal covers the last that was said of the duty. */
export const isSaidBefore = ({ dutyAtMs }: UserState, consent: ConsentTable): boolean =>
  dutyAtMs > 0 && dutyAtMs <= withdrawnMsOf(consent, SLICES.duty.purpose);

/** Takes a driver off the map, if she is on it. */
export function leaveDuty(work: FoldWork): void {
  const { dutyZone } = work.state;
  if (!isOnDuty(work.state)) return;
  if (dutyZone !== '') tell(work, dutyZone, -1);
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

/** On duty, in `cell` or, where that is not said, where she was last. */
function stay(work: FoldWork, cell: string | undefined, saidMs: number): void {
  const { dutyZone, dutyCheckMs } = work.state;
  const dutyTimeoutMs = work.ctx.settings.user.dutyTimeoutMs;
  work.state = { ...work.state, dutyCheckMs: dutyCheckMs > 0 ? dutyCheckMs : saidMs + dutyTimeoutMs };
  if (cell === undefined || cell === dutyZone) return;
  if (dutyZone !== '') tell(work, dutyZone, -1);
  tell(work, cell, 1);
  work.state = { ...work.state, dutyZone: cell };
}

function tell(work: FoldWork, cell: string, by: SupplyChange['by']): void {
  const body: SupplyChange = { by };
  work.effects.push({ to: 'actor', address: { kind: 'zone', token: cell }, name: SUPPLY_OUTPUT, body });
}
