/**
 * What zones learn from a subject's pickups: that one happened there and when, never whose. It does not depend on consent,
 * for the same reason.
 */
import type { InboundEvent } from '../../messages/events.js';
import { cellOf } from './features.js';
import type { FoldWork } from './fold-work.js';

/** The zone an event happened in; undefined where it does not say. */
export function cellOfEvent(work: FoldWork, event: InboundEvent): string | undefined {
  const { lat, lng } = event.data;
  return lat === undefined || lng === undefined ? undefined : cellOf(lat, lng, work.ctx.settings.h3Resolution);
}

/** Tells the zone of a pickup. */
export function tellPickup(work: FoldWork, { type, timeMs }: InboundEvent, cell: string | undefined): void {
  if (type !== 'pickup' || cell === undefined) return;
  work.effects.push({ to: 'actor', address: { kind: 'zone', token: cell }, name: 'pickup', body: { timeMs } });
}
