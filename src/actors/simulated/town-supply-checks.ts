/** Supply is exact: what zones count are the drivers on duty, and each change of a duty is told once. */
import type { UserState } from '../user/state.js';
import type { ZoneState } from '../zone/zone.state.js';
import { SUPPLY_OUTPUT, type SupplyChange } from '../../messages/zones.js';
import { broken, type Violation } from './checks.js';
import type { TownReplay } from './town-records.js';

export function checkSupply(replays: readonly TownReplay[]): Violation[] {
  return [...checkCounts(replays), ...replays.flatMap(checkChanges), ...replays.flatMap(checkRefused)];
}

/** At rest, zone by zone. */
function checkCounts(replays: readonly TownReplay[]): Violation[] {
  const onDuty = new Map<string, number>();
  const counted = new Map<string, number>();
  for (const { address, state } of replays.flatMap(({ actors }) => [...actors.values()])) {
    if (address.kind === 'zone') counted.set(address.token, (state as ZoneState).drivers);
    if (address.kind !== 'user') continue;
    const { dutyZone } = state as UserState;
    if (dutyZone !== '') onDuty.set(dutyZone, (onDuty.get(dutyZone) ?? 0) + 1);
  }
  return [...new Set([...onDuty.keys(), ...counted.keys()])].flatMap((zone) => {
    const [drivers, known] = [onDuty.get(zone) ?? 0, counted.get(zone) ?? 0];
    return drivers === known ? [] : [broken('supply-exact', `${zone}: ${drivers} on duty, ${known} counted`)];
  });
}

/** A driver comes before she goes, and is in one zone at a time. */
function checkChanges({ records, emissions }: TownReplay): Violation[] {
  const tokens = new Map(records.map(({ record, token }) => [record.sequence, token]));
  const zones = new Map<string, string>();
  return emissions.flatMap(({ sequence, subject, body }) => {
    if (!subject.endsWith(`.${SUPPLY_OUTPUT}`)) return [];
    const driver = tokens.get(sequence)!;
    const zone = subject.split('.').at(-2)!;
    const { by } = body as SupplyChange;
    const before = zones.get(driver);
    if (by === 1) zones.set(driver, zone);
    else zones.delete(driver);
    return before === (by === 1 ? undefined : zone)
      ? []
      : [broken('supply-exact', `${driver}: ${by} in ${zone}, and was in ${before ?? 'none'}`)];
  });
}

/** A zone with fewer than no drivers has been told of one twice, or not of another. */
const checkRefused = ({ records }: TownReplay): Violation[] =>
  records
    .filter(({ cls, name, verdict }) => cls === 'output' && name === SUPPLY_OUTPUT && verdict === 'rejected')
    .map(({ token, record }) => broken('supply-exact', `${token} refused a change of supply at ${record.sequence}`));
