import { EngineError, invalidRequest } from '../../kernel/errors.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import { isZoneCell } from '../../messages/cells.js';
import type { ZoneFacts } from '../../messages/zones.js';
import type { ActorAddress, ActorKind, Handling } from '../host/actor-kind.js';
import { foldZone, notACell } from './zone.fold.js';
import { emptyZone, isEmptyZone, reviveZone, type ZoneState } from './zone.state.js';

/** Broadcasts carry the profile to a thousandth of a pickup: every change of a busy zone repeats it. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

export function zoneFacts(state: ZoneState, address: ActorAddress): ZoneFacts {
  return {
    cell: address.token,
    atMs: state.atMs,
    sequence: state.sequence,
    mode: state.mode,
    pickups: rounded(state.pickups),
    drivers: state.drivers,
    pickupsTotal: state.pickupsTotal,
    hoursSeen: state.firstHour < 0 ? 1 : Math.max(1, state.hourIndex - state.firstHour + 1),
    expectedByHour: state.profile.map(rounded),
    hourIndex: state.hourIndex,
    thisHour: state.thisHour,
    lastHour: state.lastHour,
    incentiveCents: state.incentiveCents,
  };
}

const failed = (error: EngineError): Handling => ({ do: 'fail', error: error.toWire() });

/** A zone: one H3 cell. Events and outputs `pickup` and `trip.requested`, the output `supply` of drivers; verb `view`. */
export const zoneKind: ActorKind<ZoneState, CampaignLedger, unknown> = {
  kind: 'zone',
  create: emptyZone,
  fold: foldZone,
  timer: (state) => state.checkAtMs,
  isVacant: isEmptyZone,
  revive: reviveZone,
  handle(state, verb, _request, ctx) {
    if (verb !== 'view') return failed(invalidRequest('VERB_UNKNOWN', 'A zone answers only view.', 'verb'));
    if (!isZoneCell(ctx.address.token, ctx.settings.h3Resolution)) {
      return failed(invalidRequest('ZONE_INVALID', notACell(ctx.settings), 'id'));
    }
    return { do: 'reply', body: zoneFacts(state, ctx.address) };
  },
  broadcast: (state, address) => (isEmptyZone(state) ? undefined : zoneFacts(state, address)),
};
