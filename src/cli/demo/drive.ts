/** Lets the city live: asks at a steady rate, and tells the engine how people reacted. */
import { sleep, type Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { DecisionAnswer } from '../../messages/decisions.js';
import type { City, CityAsk, CityEvent } from '../../simulator/city.js';
import type { ApiClient, ApiEvent } from '../api-client.js';
import type { Meter } from './meter.js';
import { Outbox } from './outbox.js';

/** Decisions under way at once; the city waits above it, as its apps would time out. */
const IN_FLIGHT_MAX = 64;
const TICK_MS = 10;

export interface DriveOptions {
  readonly city: City;
  readonly api: ApiClient;
  readonly meter: Meter;
  readonly clock: Clock;
  /** Asks a second. */
  readonly perSecond: number;
  readonly cityHourMs: number;
  /** CloudEvents source of this run. */
  readonly source: string;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Resolves after `signal`, once everything under way is answered. Failures are counted, not thrown. */
export async function drive(options: DriveOptions): Promise<void> {
  const { city, api, meter, clock, perSecond, cityHourMs, signal } = options;
  const outbox = new Outbox(api, clock, {
    sent: (accepted, rejected) => meter.eventsSent(accepted, rejected),
    failed: (code) => meter.failed(code),
  });
  const inFlight = new Set<Promise<void>>();
  const startedMs = clock.monotonicMs();
  let sequence = 0;
  let askedUntilMs = startedMs;
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    for (; askedUntilMs < nowMs && inFlight.size < IN_FLIGHT_MAX; askedUntilMs += 1000 / perSecond) {
      const ask = city.step(((nowMs - startedMs) / cityHourMs) % 24);
      const one = decideAndReact(ask, `${sequence++}`, options, outbox).finally(() => inFlight.delete(one));
      inFlight.add(one);
    }
    // What could not be asked in time is not asked later: an engine that was slow for a moment is not flooded.
    if (inFlight.size === IN_FLIGHT_MAX) askedUntilMs = nowMs;
    await sleep(clock, TICK_MS);
  }
  await Promise.all(inFlight);
  await outbox.flushed();
}

async function decideAndReact(ask: CityAsk, id: string, options: DriveOptions, outbox: Outbox): Promise<void> {
  const { city, api, meter, clock, source } = options;
  const askedMs = clock.monotonicMs();
  let answer: DecisionAnswer;
  try {
    answer = await api.decide(requestOf(ask));
  } catch (error) {
    meter.failed(EngineError.from(error).code);
    return;
  }
  const nowMs = clock.monotonicMs();
  const slate = answer.slate.map((item) => item.id);
  const reaction = city.react(
    ask,
    slate,
    answer.filtered.map((one) => one.id),
  );
  meter.decided(
    {
      surface: ask.surface,
      latencyMs: nowMs - askedMs,
      personalized: answer.personalized,
      isFallback: answer.fallbackReason !== null,
      isDegraded: answer.degraded.length > 0,
      realised: reaction.reward,
      expected: reaction.expected,
    },
    nowMs,
  );
  await outbox.add(reaction.events.map((event, i) => eventOf(event, `${id}.${i}`, source, answer.decisionId)));
}

function requestOf(ask: CityAsk): Record<string, unknown> {
  const { surface, subject, k } = ask;
  const request = { surface, subject, k };
  if (!('pin' in ask)) return { ...request, context: {} };
  return { ...request, context: { lat: ask.pin.lat, lng: ask.pin.lng }, candidates: ask.candidates };
}

function eventOf(event: CityEvent, id: string, source: string, decisionId: string): ApiEvent {
  const { subject, type, isReaction, candidateId, value, place } = event;
  const data = {
    ...(isReaction ? { decisionId } : {}),
    ...(candidateId === undefined ? {} : { candidateId }),
    ...(value === undefined ? {} : { value }),
    ...place,
  };
  return { id, source, type, subject, data };
}
