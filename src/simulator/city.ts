/**
 * A small city from a seed: its people ask, and react to what they are shown as their true preferences have it. The same
 * seed and the same answers in the same order give the same city. Each ask carries a generator of its own, so that what
 * somebody thinks of a slate does not depend on who else was answered before; only drivers move on with every answer.
 */
import { seededRandom, type Random, type SeededRandom } from '../kernel/random.js';
import { OFFERS_BY_COST, OFFER_ACCEPTANCE, PROMO_SURFACE } from './campaigns.js';
import { makeDrivers, makeRiders, type Driver, type Rider } from './people.js';
import { chance, pickWeighted } from './random-draws.js';
import { bestReward, pointAcceptance, READ_ON, slateReward, type ExpectedReward } from './truth.js';
import { demandAt, makeZones, metresBetween, near, type CityZone, type Place } from './zones.js';

export const PICKUP_SURFACE = 'rider.pickup';
export const GUIDANCE_SURFACE = 'driver.heatmap';

export interface CityOptions {
  readonly seed: number;
  readonly riders: number;
  readonly drivers: number;
  /** Share of riders who grant consent. */
  readonly consentShare: number;
  readonly h3Resolution: number;
}

interface Ask {
  readonly subject: { readonly kind: 'rider' | 'driver'; readonly id: string };
  readonly seed: number;
  readonly k: number;
}

export interface PickupAsk extends Ask {
  readonly surface: typeof PICKUP_SURFACE;
  readonly rider: Rider;
  readonly zone: CityZone;
  readonly pin: Place;
  readonly candidates: readonly { readonly id: string; readonly features: Readonly<Record<string, number>> }[];
}

export interface PromoAsk extends Ask {
  readonly surface: typeof PROMO_SURFACE;
  readonly rider: Rider;
}

export interface GuidanceAsk extends Ask {
  readonly surface: typeof GUIDANCE_SURFACE;
  readonly driver: Driver;
  readonly hour: number;
}

export type CityAsk = PickupAsk | PromoAsk | GuidanceAsk;

/** An event as an app would send it; ids and the decision's id are the sender's. */
export interface CityEvent {
  /** `user/<id>`. */
  readonly subject: string;
  readonly type: string;
  /** It reacts to the decision. */
  readonly isReaction: boolean;
  readonly candidateId?: string;
  readonly value?: number;
  readonly place?: Place;
}

export interface CityReaction {
  readonly events: readonly CityEvent[];
  /** What came of it, 0 or 1. */
  readonly reward: number;
  /** Undefined where there was nothing to choose from. */
  readonly expected: ExpectedReward | undefined;
}

/** What the city's people ask for: riders where to be picked up and what promotion they get, drivers where to go. */
const ASKS = [PICKUP_SURFACE, PROMO_SURFACE, GUIDANCE_SURFACE] as const;
const ASK_WEIGHTS = [0.72, 0.18, 0.1];
const WALK_METRES_PER_SECOND = 1.3;
const GUIDANCE_K = 5;
const GOES_OFF_DUTY = 0.1;

export class City {
  readonly zones: readonly CityZone[];
  readonly riders: readonly Rider[];
  readonly drivers: readonly Driver[];
  private readonly random: SeededRandom;
  private readonly activities: readonly number[];

  constructor(readonly options: CityOptions) {
    const { seed, h3Resolution } = options;
    this.random = seededRandom(seed);
    this.zones = makeZones(this.random, h3Resolution);
    this.riders = makeRiders(this.random, options.riders, options.consentShare);
    this.drivers = makeDrivers(this.random, options.drivers);
    this.activities = this.riders.map(({ activity }) => activity);
  }

  /** What is asked next, at this hour of the day (0 to 24). */
  step(hour: number): CityAsk {
    const { random } = this;
    const surface = ASKS[pickWeighted(random, ASK_WEIGHTS)]!;
    const seed = Math.floor(random.next() * 2 ** 48);
    if (surface === GUIDANCE_SURFACE) {
      const driver = this.drivers[Math.floor(random.next() * this.drivers.length)]!;
      return { surface, subject: { kind: 'driver', id: driver.id }, seed, k: GUIDANCE_K, driver, hour };
    }
    const rider = this.riders[pickWeighted(random, this.activities)]!;
    const subject = { kind: 'rider', id: rider.id } as const;
    if (surface === PROMO_SURFACE) return { surface, subject, seed, k: 1, rider };
    const demand = this.zones.map((zone) => demandAt(zone, hour));
    const zone = this.zones[pickWeighted(random, demand)]!;
    const pin = near(random, zone);
    return { surface, subject, seed, k: 1, rider, zone, pin, candidates: candidatesNear(zone, pin) };
  }

  /** What the asker does with the slate (ids, best first); `filtered` are ids that could not be chosen. */
  react(ask: CityAsk, slate: readonly string[], filtered: readonly string[] = []): CityReaction {
    const random = seededRandom(ask.seed);
    switch (ask.surface) {
      case PICKUP_SURFACE:
        return reactToPoints(random, ask, slate);
      case PROMO_SURFACE:
        return reactToOffers(random, ask, slate, filtered);
      case GUIDANCE_SURFACE:
        return this.reactToGuidance(random, ask, slate);
    }
  }

  /**
   * A driver follows the guidance or stays, and finds a rider with a probability that the zone's true demand gives.
   * Expected rewards are those of a driver who follows; the baseline is a zone at random.
   */
  private reactToGuidance(random: Random, { driver, hour }: GuidanceAsk, slate: readonly string[]): CityReaction {
    const subject = `user/${driver.id}`;
    const demand = this.zones.map((zone) => demandAt(zone, hour));
    const busiest = Math.max(...demand);
    const luck = (index: number): number => demand[index]! / busiest;
    const top = this.zones.findIndex(({ cell }) => cell === slate[0]);
    const mean = demand.reduce((sum, d) => sum + d, 0) / demand.length / busiest;
    const expected = top < 0 ? undefined : { served: luck(top), best: 1, baseline: mean };
    const events: CityEvent[] = [];
    const follows = top >= 0 && chance(random, driver.trust);
    if (follows) events.push({ subject, type: 'accept', isReaction: true, candidateId: slate[0]! });
    const before = driver.zone;
    driver.zone = follows ? top : (before ?? Math.floor(random.next() * this.zones.length));
    const place = near(random, this.zones[driver.zone]!);
    events.push({ subject, type: before === undefined ? 'driver.online' : 'driver.moved', isReaction: false, place });
    const finds = chance(random, luck(driver.zone));
    if (follows && finds) events.push({ subject, type: 'reward', isReaction: true, candidateId: slate[0]!, value: 1 });
    if (chance(random, GOES_OFF_DUTY)) {
      events.push({ subject, type: 'driver.offline', isReaction: false, place });
      driver.zone = undefined;
    }
    return { events, reward: follows && finds ? 1 : 0, expected };
  }
}

const candidatesNear = (zone: CityZone, pin: Place): PickupAsk['candidates'] =>
  zone.points.map((point) => {
    const distanceM = Math.round(metresBetween(point, pin));
    const walkS = Math.round(distanceM / WALK_METRES_PER_SECOND);
    return { id: point.id, features: { distanceM, walkS, popularity: point.popularity } };
  });

function reactToPoints(random: Random, ask: PickupAsk, slate: readonly string[]): CityReaction {
  const { rider, zone, pin, candidates, k } = ask;
  const acceptance = new Map(zone.points.map((point) => [point.id, pointAcceptance(rider, point, pin)]));
  const nearest = [...candidates].sort((a, b) => a.features.distanceM! - b.features.distanceM!).map(({ id }) => id);
  const subject = `user/${rider.id}`;
  const taken = readSlate(random, slate, acceptance);
  const point = zone.points.find(({ id }) => id === taken);
  const events: CityEvent[] =
    point === undefined
      ? [{ subject, type: 'skip', isReaction: true }]
      : [
          { subject, type: 'accept', isReaction: true, candidateId: point.id },
          { subject, type: 'pickup', isReaction: false, place: { lat: point.lat, lng: point.lng } },
        ];
  return { events, reward: point === undefined ? 0 : 1, expected: expectedOf(slate, nearest, acceptance, k) };
}

function reactToOffers(
  random: Random,
  { rider, k }: PromoAsk,
  slate: readonly string[],
  filtered: readonly string[],
): CityReaction {
  if (slate.length === 0) return { events: [], reward: 0, expected: undefined };
  const offers = OFFERS_BY_COST.filter((id) => !filtered.includes(id));
  const acceptance = new Map(offers.map((id) => [id, OFFER_ACCEPTANCE[id]![rider.segment]]));
  const subject = `user/${rider.id}`;
  const taken = readSlate(random, slate, acceptance);
  const events: CityEvent[] = [{ subject, type: 'impression', isReaction: true }];
  if (taken === undefined) events.push({ subject, type: 'skip', isReaction: true });
  else events.push({ subject, type: 'accept', isReaction: true, candidateId: taken });
  return { events, reward: taken === undefined ? 0 : 1, expected: expectedOf(slate, offers, acceptance, k) };
}

/** The item that is taken, if any. */
function readSlate(
  random: Random,
  slate: readonly string[],
  acceptance: ReadonlyMap<string, number>,
): string | undefined {
  for (const id of slate) {
    if (chance(random, acceptance.get(id) ?? 0)) return id;
    if (!chance(random, READ_ON)) return undefined;
  }
  return undefined;
}

/** `baseline`: the candidates in the order in which the static fallback shows them. */
function expectedOf(
  slate: readonly string[],
  baseline: readonly string[],
  acceptance: ReadonlyMap<string, number>,
  k: number,
): ExpectedReward {
  const of = (ids: readonly string[]): number => slateReward(ids.map((id) => acceptance.get(id) ?? 0));
  return { served: of(slate), best: bestReward([...acceptance.values()], k), baseline: of(baseline.slice(0, k)) };
}
