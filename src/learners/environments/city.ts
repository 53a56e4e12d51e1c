/**
 * A small city, for learners that are to plan ahead: between trips a driver goes where the next trip may be, and demand
 * moves through the city with the time of day. Every city is a transition table, so what the best driver earns is known.
 */
import { seededRandom } from '../../kernel/random.js';
import { uniform } from './episodes.js';
import type { TransitionTable } from './transition-table.js';

/** Zones are a square of this side; a zone's index is row × side + column. */
const SIDE = 4;
const ZONES = SIDE * SIDE;
/** A shift from 6:00 to 22:00 in half hours. */
const SLOTS = 32;
const SHIFT_START_HOUR = 6;
const SLOT_HOURS = 0.5;
/** Money for a trip, and for driving to another zone without a passenger. */
const FARE_BASE = 4;
const FARE_PER_ZONE = 3;
const EMPTY_DRIVE_COST = 1;
/** When people leave home and when they leave work, and for how long about (hours). */
const MORNING = { peak: 8, width: 1.5 };
const EVENING = { peak: 18, width: 2 };

/** Actions: 0 stays, 1 goes north, 2 east, 3 south, 4 west. */
const MOVES: readonly (readonly [row: number, column: number])[] = [
  [0, 0],
  [-1, 0],
  [0, 1],
  [1, 0],
  [0, -1],
];

interface Zone {
  readonly row: number;
  readonly column: number;
  /** Trips asked for in half an hour at the peak by those who live here, and by those who work here. */
  readonly homes: number;
  readonly work: number;
}

/**
 * State: slot × zones + zone. After an action the driver waits half an hour in the zone reached; a trip comes with
 * probability 1 − exp(−demand) and ends in a zone drawn by where people go at that hour. The reward is money: fare less
 * the drive. The shift's end terminates. The same seed gives the same city.
 */
export function cityTable(seed: number): TransitionTable {
  const zones = zonesOf(seed);
  const T = Array.from({ length: SLOTS * ZONES }, (_, state) => {
    const slot = Math.floor(state / ZONES);
    const from = zones[state % ZONES]!;
    return MOVES.map((move) => outcomesOf(zones, slot, reached(zones, from, move) ?? from, move));
  });
  const action_mask = T.map((_, state) =>
    MOVES.map((move): 0 | 1 => (reached(zones, zones[state % ZONES]!, move) === undefined ? 0 : 1)),
  );
  const start_distribution = Object.fromEntries(zones.map((_, zone) => [String(zone), 1 / ZONES]));
  return {
    env: `city-${seed}`,
    nS: SLOTS * ZONES,
    nA: MOVES.length,
    horizon: SLOTS,
    start_distribution,
    T,
    action_mask,
  };
}

/** Homes lie on one side of the city and work on the other, as chance has it. */
function zonesOf(seed: number): readonly Zone[] {
  const random = seededRandom(seed);
  return Array.from({ length: ZONES }, (_, index) => {
    const residential = random.next() < 0.5;
    const busy = uniform(random, 0.2, 2.5);
    const quiet = uniform(random, 0, 0.3);
    return {
      row: Math.floor(index / SIDE),
      column: index % SIDE,
      homes: residential ? busy : quiet,
      work: residential ? quiet : busy,
    };
  });
}

/** Undefined beyond the edge of the city. */
function reached(zones: readonly Zone[], from: Zone, [rows, columns]: readonly [number, number]): Zone | undefined {
  const row = from.row + rows;
  const column = from.column + columns;
  return row < 0 || row >= SIDE || column < 0 || column >= SIDE ? undefined : zones[row * SIDE + column];
}

type Outcome = [p: number, next: number, reward: number, terminated: boolean];

function outcomesOf(
  zones: readonly Zone[],
  slot: number,
  at: Zone,
  [rows, columns]: readonly [number, number],
): Outcome[] {
  const hour = SHIFT_START_HOUR + slot * SLOT_HOURS;
  const leavingHome = bell(hour, MORNING);
  const leavingWork = bell(hour, EVENING);
  const trip = 1 - Math.exp(-(at.homes * leavingHome + at.work * leavingWork));
  const cost = rows === 0 && columns === 0 ? 0 : EMPTY_DRIVE_COST;
  const terminated = slot === SLOTS - 1;
  // After the last slot nothing follows; the state named there is never seen.
  const next = (zone: number): number => (terminated ? zone : (slot + 1) * ZONES + zone);
  // People who leave home go where the work is, and the other way round.
  const pull = zones.map((zone) => 0.05 + zone.work * leavingHome + zone.homes * leavingWork);
  const total = pull.reduce((sum, weight) => sum + weight, 0);
  const trips = zones.map((zone, index): Outcome => {
    const distance = Math.abs(zone.row - at.row) + Math.abs(zone.column - at.column);
    return [(trip * pull[index]!) / total, next(index), FARE_BASE + FARE_PER_ZONE * distance - cost, terminated];
  });
  return [[1 - trip, next(at.row * SIDE + at.column), -cost, terminated], ...trips];
}

/** 1 at the peak, falling as a bell does. */
const bell = (hour: number, { peak, width }: { peak: number; width: number }): number =>
  Math.exp(-(((hour - peak) / width) ** 2) / 2);
