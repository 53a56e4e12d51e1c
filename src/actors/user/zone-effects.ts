/**
 * What zones learn from a subject's events: that something happened there and when, never to whom. It does not depend on
 * consent, for the same reason.
 */
import type { InboundEvent } from '../../messages/events.js';
import { cellOf } from './features.js';
import type { FoldWork } from './fold-work.js';

type ZoneSignal = 'pickup' | 'driver.online' | 'driver.offline';

function tell(work: FoldWork, cell: string, name: ZoneSignal, timeMs: number): void {
  work.effects.push({ to: 'actor', address: { kind: 'zone', token: cell }, name, body: { timeMs } });
}

/** The zone an event happened in; undefined where it does not say. */
export function cellOfEvent(work: FoldWork, event: InboundEvent): string | undefined {
  const { lat, lng } = event.data;
  return lat === undefined || lng === undefined ? undefined : cellOf(lat, lng, work.ctx.settings.h3Resolution);
}

/**
 * Tells zones of a pickup and of drivers coming and going. `known` is where the driver was last (''  for nowhere, or for
 * a subject without consent, of whom nothing is kept); returns where the driver is now.
 */
export function tellZones(work: FoldWork, event: InboundEvent, cell: string | undefined, known: string): string {
  const { type, timeMs } = event;
  switch (type) {
    case 'pickup':
      if (cell !== undefined) tell(work, cell, 'pickup', timeMs);
      return known;
    case 'driver.online':
    case 'driver.moved':
      // Of a driver who was never said to be on duty, a move says nothing.
      if (cell === undefined || cell === known || (type === 'driver.moved' && known === '')) return known;
      if (known !== '') tell(work, known, 'driver.offline', timeMs);
      tell(work, cell, 'driver.online', timeMs);
      return cell;
    case 'driver.offline': {
      const left = known === '' ? cell : known;
      if (left !== undefined) tell(work, left, 'driver.offline', timeMs);
      return '';
    }
    default:
      return known;
  }
}

/** The driver goes, as far as anybody may know: nothing more will be said of where. */
export function tellOffDuty(work: FoldWork, zone: string): void {
  tell(work, zone, 'driver.offline', work.ctx.atMs);
}
