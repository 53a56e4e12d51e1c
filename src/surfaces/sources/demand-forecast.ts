/**
 * Where the pickups of the next hour will be.
 *
 * Each zone's share is the mean of a Dirichlet-multinomial posterior (Gelman et al., Bayesian Data Analysis, 3rd ed.,
 * 3.4): the prior is the long-run share with the weight of `priorPickups` pickups, the evidence is what the zones saw
 * at like hours. How alike two hours of the week are is a kernel: it falls exponentially with the hours between them
 * on the clock, and in steps from the same day to another day of the same type to a day of the other type. The last
 * hours count as evidence too. So a quiet or young city leans on popularity, a busy or old one on the time of week.
 *
 * The volume that the shares divide is the kernel's mean of the city's profile, scaled by how the last hour compared.
 */
import type { TimeZone } from '../../messages/settings.js';
import type { ZoneFacts } from '../../messages/zones.js';
import { HOUR_MS, HOURS_OF_WEEK, hourIndexOf, hourOfWeek } from './hour-of-week.js';

export interface ForecastParameters {
  /** Pickups that the long-run share weighs as much as. */
  readonly priorPickups: number;
  /** Share of the prior that is spread evenly, so that no zone is impossible. */
  readonly evenShare: number;
  /** Kernel weight at the same clock hour, and its decay in hours: same day of week, same day type, other type. */
  readonly sameDay: readonly [weight: number, decayHours: number];
  readonly sameType: readonly [weight: number, decayHours: number];
  readonly otherType: readonly [weight: number, decayHours: number];
  /** Weight of one pickup in the last 60 minutes, in the 60 before, and in the decayed window. */
  readonly lastHour: number;
  readonly hourBefore: number;
  readonly window: number;
}

/** Fitted by likelihood on two months of pickups that are not the month reported on: see bench/heatmap-offline.ts. */
export const FORECAST_PARAMETERS: ForecastParameters = {
  priorPickups: 255,
  evenShare: 0.04,
  sameDay: [1, 2.4],
  sameType: [0.8, 1.7],
  otherType: [0.14, 2],
  lastHour: 0.43,
  hourBefore: 0.33,
  window: 0.67,
};

/** The kernel is cut off beyond so many hours on the clock. */
const KERNEL_HOURS = 6;
const DAY_HOURS = 24;
const WEEKEND_FROM_DAY = 5;
/** Weight of the long-run rate in the volume of a clock hour, in days of the same day of the week. */
const LONG_RUN_WEIGHT = 0.1;
/** How far the last hour may move the expected volume, either way. */
const LEVEL_MAX = 2;

export interface ZoneForecast {
  readonly facts: ZoneFacts;
  /** Pickups expected in the 60 minutes from the time asked about. */
  readonly expectedPickups: number;
  /** Pickups in the 60 minutes before, as far as whole-hour counts tell. */
  readonly lastHour: number;
  /** The decayed window, faded to the time asked about. */
  readonly recentPickups: number;
  /** Drivers on duty there now. */
  readonly supply: number;
  /** Long-run pickups an hour, since any zone was first seen. */
  readonly popularity: number;
}

export interface ForecastSettings {
  readonly timeZone: TimeZone;
  readonly halfLifeMs: number;
  readonly learningRate: number;
}

/** Zones that one step looks at: a fraction of a millisecond. */
const STEP_ZONES = 500;

/** Forecasts for all zones, in their order. Linear in zones × about 90 kernel hours: 0.3 ms for a thousand zones. */
export function forecastDemand(
  zones: readonly ZoneFacts[],
  atMs: number,
  settings: ForecastSettings,
  parameters: ForecastParameters = FORECAST_PARAMETERS,
): ZoneForecast[] {
  return finished(forecastSteps(zones, atMs, settings, parameters));
}

/** Takes all steps of a piece of work at once. */
export function finished<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps, each of which is short, however many zones there are. */
export function* forecastSteps(
  zones: readonly ZoneFacts[],
  atMs: number,
  settings: ForecastSettings,
  parameters: ForecastParameters = FORECAST_PARAMETERS,
): Generator<void, ZoneForecast[]> {
  const hour = hourIndexOf(atMs);
  const into = atMs / HOUR_MS - hour;
  const firstHour = zones.reduce((first, z) => Math.min(first, firstHourOf(z)), hour);
  const hoursObserved = Math.max(1, hour + into - firstHour);
  const total = zones.reduce((sum, z) => sum + z.pickupsTotal, 0);
  const kernel = kernelSlots(hour, into, settings.timeZone, parameters);
  const city = new Float64Array(HOURS_OF_WEEK);

  const evidence: Evidence[] = [];
  for (const z of zones) {
    if (evidence.length % STEP_ZONES === STEP_ZONES - 1) yield;
    const present = exposure(weeksOf(hour - firstHourOf(z)), weeksOf(hour - firstHour), settings.learningRate);
    let alike = 0;
    if (z.expectedByHour.length > 0) {
      for (const { slot, weight } of kernel) {
        const pickups = present * z.expectedByHour[slot]!;
        city[slot]! += pickups;
        alike += weight * pickups;
      }
    }
    const [open, last, before] = [countOf(z, hour), countOf(z, hour - 1), countOf(z, hour - 2)];
    const lastHour = open + (1 - into) * last;
    const hourBefore = into * last + (1 - into) * before;
    const fade = 2 ** (-Math.max(0, atMs - z.atMs) / settings.halfLifeMs);
    const recentPickups = z.pickups * fade;
    const recent =
      parameters.lastHour * lastHour + parameters.hourBefore * hourBefore + parameters.window * recentPickups;
    evidence.push({ pickups: alike + recent, lastHour, recentPickups, supply: z.drivers });
  }
  const evidenceTotal = evidence.reduce((sum, e) => sum + e.pickups, 0);
  const lastHourTotal = evidence.reduce((sum, e) => sum + e.lastHour, 0);
  const volumeAt = (at: number): number =>
    profileMean(city, at, hour, firstHour, total / hoursObserved, settings.timeZone, parameters);
  const volume = volumeAt(hour + into) * levelOf(lastHourTotal, volumeAt(hour + into - 1));

  const forecasts: ZoneForecast[] = [];
  for (const facts of zones) {
    if (forecasts.length % STEP_ZONES === STEP_ZONES - 1) yield;
    const { pickups, ...seen } = evidence[forecasts.length]!;
    const longRun = total === 0 ? 1 / zones.length : facts.pickupsTotal / total;
    const prior = (1 - parameters.evenShare) * longRun + parameters.evenShare / zones.length;
    const share = (parameters.priorPickups * prior + pickups) / (parameters.priorPickups + evidenceTotal);
    forecasts.push({ facts, ...seen, expectedPickups: share * volume, popularity: facts.pickupsTotal / hoursObserved });
  }
  return forecasts;
}

interface Evidence {
  readonly pickups: number;
  readonly lastHour: number;
  readonly recentPickups: number;
  readonly supply: number;
}

const firstHourOf = (z: ZoneFacts): number => z.hourIndex - z.hoursSeen + 1;
const weeksOf = (hours: number): number => Math.max(1, Math.ceil(hours / HOURS_OF_WEEK));
const countOf = (z: ZoneFacts, hour: number): number =>
  hour === z.hourIndex ? z.thisHour : hour === z.hourIndex - 1 ? z.lastHour : 0;

/**
 * A zone's profile averages over the weeks since its own first pickup. Before that it had none, which the city has
 * seen: the weight its own weeks would carry in an average, and later a smoothing, over the city's weeks.
 */
const exposure = (zoneWeeks: number, cityWeeks: number, learningRate: number): number =>
  Math.min(1, Math.max(zoneWeeks / cityWeeks, 1 - (1 - learningRate) ** zoneWeeks));

/**
 * How the last hour compared with what was expected of it, as a factor: its square root, since half of a surprise is
 * gone an hour later, and never more than LEVEL_MAX either way. The one stands for what chance alone may do.
 */
const levelOf = (seen: number, expected: number): number =>
  Math.min(LEVEL_MAX, Math.max(1 / LEVEL_MAX, Math.sqrt((seen + 1) / (expected + 1))));

interface KernelSlot {
  readonly slot: number;
  readonly weight: number;
}

/** Weight and decay of a day of the week against the target's day. */
function dayWeight(day: number, targetDay: number, parameters: ForecastParameters): readonly [number, number] {
  if (day === targetDay) return parameters.sameDay;
  return day >= WEEKEND_FROM_DAY === targetDay >= WEEKEND_FROM_DAY ? parameters.sameType : parameters.otherType;
}

/** Hours of the week like the 60 minutes that begin `into` the hour, each with its weight. */
function kernelSlots(hour: number, into: number, timeZone: TimeZone, parameters: ForecastParameters): KernelSlot[] {
  const weights = new Float64Array(HOURS_OF_WEEK);
  for (const { target, part } of targetsOf(hour + into, timeZone)) {
    for (let day = 0; day < 7; day++) {
      const [weight, decayHours] = dayWeight(day, Math.floor(target / DAY_HOURS), parameters);
      for (let away = -KERNEL_HOURS; away <= KERNEL_HOURS; away++) {
        const slot = (day * DAY_HOURS + (target % DAY_HOURS) + away + HOURS_OF_WEEK) % HOURS_OF_WEEK;
        weights[slot]! += part * weight * Math.exp(-Math.abs(away) / decayHours);
      }
    }
  }
  const slots: KernelSlot[] = [];
  weights.forEach((weight, slot) => {
    if (weight > 0) slots.push({ slot, weight });
  });
  return slots;
}

/** The one or two hours of the week that the 60 minutes from `at` (in hours) fall in, and how much of them. */
function targetsOf(at: number, timeZone: TimeZone): { target: number; part: number }[] {
  const hour = Math.floor(at);
  const targets = [{ target: hourOfWeek(hour, timeZone), part: 1 - (at - hour) }];
  if (at > hour) targets.push({ target: hourOfWeek(hour + 1, timeZone), part: at - hour });
  return targets;
}

/** The city's pickups at the clock hours of `at`, over the days seen so far, leaning a little on the long-run rate. */
function profileMean(
  city: Float64Array,
  at: number,
  hour: number,
  firstHour: number,
  longRun: number,
  timeZone: TimeZone,
  parameters: ForecastParameters,
): number {
  const now = hourOfWeek(hour, timeZone);
  let [sum, weights] = [LONG_RUN_WEIGHT * longRun, LONG_RUN_WEIGHT];
  for (const { target, part } of targetsOf(at, timeZone)) {
    for (let day = 0; day < 7; day++) {
      const slot = day * DAY_HOURS + (target % DAY_HOURS);
      const ago = (now - slot + HOURS_OF_WEEK) % HOURS_OF_WEEK;
      // Hours close with a delay of two: what is younger was last seen a week before.
      const seenAt = hour - (ago < 2 ? ago + HOURS_OF_WEEK : ago);
      if (seenAt < firstHour) continue;
      const weight = part * dayWeight(day, Math.floor(target / DAY_HOURS), parameters)[0];
      sum += weight * city[slot]!;
      weights += weight;
    }
  }
  return sum / weights;
}
