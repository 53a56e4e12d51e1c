/** A batch of events → the journals. Good parts are accepted, bad ones listed; nothing is half-applied. */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { Slices } from '../../kernel/slices.js';
import type { ConsentOutcome } from '../../messages/consent.js';
import type { AppendOutcome } from '../../actors/host/ports.js';
import type { RateLimit } from '../auth/rate-limit.js';
import { childTraceparent } from '../http/trace.js';
import type { GatewayMetrics } from '../metrics.js';
import type { ActorClient, RequestOrigin, EventIngress } from '../ports.js';
import { consentOutcomes } from './consent-outcomes.js';
import { readCloudEvent, type CheckedEvent, type EventRules } from './cloud-event.js';

export interface AcceptedEvent {
  readonly id: string;
  /** Read-your-writes token. */
  readonly token: string;
  /** Of a change of consent: what became of it, by purpose. */
  readonly consent?: readonly ConsentOutcome[];
}

export interface RejectedEvent {
  /** Place in the batch, from 0. */
  readonly index: number;
  /** The event's own id, where it had one. */
  readonly id: string | null;
  readonly code: string;
  readonly message: string;
  readonly field: string | null;
}

export interface IngestResult {
  readonly accepted: readonly AcceptedEvent[];
  /** By index, ascending. */
  readonly rejected: readonly RejectedEvent[];
  /** 202 if anything was accepted or nothing rejected; else 503 or 429 if a retry may help; else 400. */
  readonly status: 202 | 400 | 429 | 503;
}

export interface IngestDeps {
  readonly ingress: EventIngress;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly rules: EventRules;
  readonly perUser: RateLimit | undefined;
  readonly actors: ActorClient;
  /** How long an answer to changes of consent waits for them to be folded, from the request on. */
  readonly deadlineMs: number;
}

/** Malformed events of a batch that are told what is wrong with them; finding that out is the dear part. */
export const EXPLAINED_MAX = 20;

export class Ingest {
  private readonly slices: Slices;

  constructor(private readonly deps: IngestDeps) {
    this.slices = new Slices(deps.clock);
  }

  /** Rejects only with Overloaded `OVERLOADED`, before anything is journaled. */
  async accept(batch: readonly unknown[], origin: RequestOrigin): Promise<IngestResult> {
    const { id: trace, app } = origin;
    const { ingress, clock, metrics, rules, perUser, deadlineMs } = this.deps;
    const deadline = clock.monotonicMs() + deadlineMs;
    const nowMs = clock.nowMs();
    const traceparent = childTraceparent(trace);
    const good: CheckedEvent[] = [];
    const indexes: number[] = [];
    const rejected: RejectedEvent[] = [];
    const check = (index: number): void => {
      try {
        const explains = rejected.length < EXPLAINED_MAX;
        const event = readCloudEvent(batch[index], rules, nowMs, traceparent, explains);
        if (event.kind === 'user') perUser?.take(event.token);
        good.push(event);
        indexes.push(index);
      } catch (thrown) {
        if (!(thrown instanceof EngineError)) throw thrown;
        rejected.push(rejection(index, idOf(batch[index]), thrown));
      }
    };
    // Whoever asks for a decision does not wait for a large batch.
    await this.slices.each(batch.length, check);
    let accepted: AcceptedEvent[] = [];
    if (good.length > 0) {
      const outcomes = await ingress.publish(
        good.map(({ kind, token, type, payload }) => ({ app, kind, token, type, payload })),
      );
      const stored: CheckedEvent[] = [];
      for (let i = 0; i < good.length; i++) {
        const outcome = outcomes[i]!;
        if (outcome.status === 'stored') {
          accepted.push({ id: good[i]!.id, token: outcome.token ?? '' });
          stored.push(good[i]!);
        } else rejected.push(rejection(indexes[i]!, good[i]!.id, notStored(outcome)));
      }
      rejected.sort((a, b) => a.index - b.index);
      accepted = await this.withConsent(accepted, stored, origin, deadline);
    }
    metrics.eventsAccepted(accepted.length);
    for (const { code } of rejected) metrics.eventRejected(code);
    return { accepted, rejected, status: statusOf(accepted, rejected) };
  }

  /** Each change of consent with what became of it. Other events wait for nothing. */
  private async withConsent(
    accepted: AcceptedEvent[],
    events: readonly CheckedEvent[],
    origin: RequestOrigin,
    deadline: number,
  ): Promise<AcceptedEvent[]> {
    const changes = events.flatMap(({ consent: change, token }, index) =>
      change === undefined ? [] : [{ index, token, change, position: accepted[index]!.token }],
    );
    if (changes.length === 0) return accepted;
    const outcomes = await consentOutcomes(this.deps, changes, origin, deadline);
    const all = [...accepted];
    changes.forEach(({ index }, i) => (all[index] = { ...all[index]!, consent: outcomes[i]! }));
    return all;
  }
}

/** An outcome other than `stored`, as an error. `unknown` may yet be stored: sending the same id again is safe. */
export function notStored(outcome: Exclude<AppendOutcome, { status: 'stored' }>): EngineError {
  if (outcome.status === 'refused') {
    const isOversize = outcome.code === 'RECORD_TOO_LARGE';
    return new EngineError(isOversize ? 'InvalidRequest' : 'Dependency', outcome.code, outcome.message);
  }
  return new EngineError(
    'Dependency',
    'JOURNAL_TIMEOUT',
    'The journal has not acknowledged this event; send it again with the same source and id.',
  );
}

function rejection(index: number, id: string | null, error: EngineError): RejectedEvent {
  return { index, id, code: error.code, message: error.message, field: error.field ?? null };
}

function idOf(event: unknown): string | null {
  const id = (event as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id.slice(0, 256) : null;
}

function statusOf(accepted: readonly AcceptedEvent[], rejected: readonly RejectedEvent[]): IngestResult['status'] {
  if (accepted.length > 0 || rejected.length === 0) return 202;
  if (rejected.some(({ code }) => code.startsWith('JOURNAL_') && !isOverload(code))) return 503;
  return rejected.some(({ code }) => isOverload(code)) ? 429 : 400;
}

/** Whether a rejection says that there was too much at once. */
export const isOverload = (code: string): boolean =>
  ['RATE_LIMITED', 'JOURNAL_OVERLOADED', 'JOURNAL_FILLING', 'EVENTS_WAITING'].includes(code);
