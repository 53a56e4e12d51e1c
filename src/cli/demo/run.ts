/** One run of the demo against an engine that is up: set up, drive, show, sum up. */
import type { Clock } from '../../kernel/clock.js';
import type { City } from '../../simulator/city.js';
import type { ApiClient } from '../api-client.js';
import type { DemoReading } from './dashboard.js';
import { drive } from './drive.js';
import { Meter } from './meter.js';
import type { Screen } from './screen.js';
import { grantConsents, launchCampaigns, rememberedDecisions } from './setting-up.js';
import { lookAt, NOTHING_SEEN } from './watch.js';

export interface DemoOptions {
  readonly city: City;
  readonly api: ApiClient;
  readonly clock: Clock;
  /** Shown to people who want to talk to actors. */
  readonly nats: string;
  readonly perSecond: number;
  readonly cityHourMs: number;
  readonly learnerIds: readonly string[];
  /** Names this run's events. */
  readonly source: string;
  /** Undefined: nothing is shown on the way. */
  readonly screen: Screen | undefined;
  readonly say: (line: string) => void;
  /** Ends the run. */
  readonly signal: AbortSignal;
  /** Ends it so long after the city has come to life; undefined: only the signal does. */
  readonly seconds: number | undefined;
}

/** Resolves to the last reading, after `signal` or `seconds`. */
export async function runDemo(options: DemoOptions): Promise<DemoReading> {
  const { city, api, clock, screen, say, source, learnerIds, cityHourMs } = options;
  const remembered = await rememberedDecisions(api, city);
  say(
    remembered > 0
      ? `continuing with ${remembered.toLocaleString('en-US')} decisions`
      : 'a fresh city: no decisions yet',
  );
  await grantConsents(api, city, source);
  await launchCampaigns(api);

  const timeout = options.seconds === undefined ? [] : [AbortSignal.timeout(options.seconds * 1000)];
  const signal = AbortSignal.any([options.signal, ...timeout]);
  const startedMs = clock.monotonicMs();
  const meter = new Meter(startedMs);
  let view = NOTHING_SEEN;
  const reading = (): DemoReading => {
    const nowMs = clock.monotonicMs();
    const cityHour = ((nowMs - startedMs) / cityHourMs) % 24;
    return { ...meter.read(nowMs), ...view, url: api.url, nats: options.nats, cityHour, remembered };
  };
  const driving = drive({ ...options, meter, signal });
  const everyMs = screen?.everyMs ?? 1_000;
  while (!signal.aborted) {
    await aborted(signal, clock, everyMs);
    view = await lookAt(api, learnerIds);
    screen?.show(reading());
  }
  await driving;
  view = await lookAt(api, learnerIds);
  return reading();
}

/** Resolves after `ms`, or at once when `signal` comes. */
function aborted(signal: AbortSignal, clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
