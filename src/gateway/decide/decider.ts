/** One decision: the user's owner, or within the deadline's failure the fallback. */
import type { Clock } from '../../kernel/clock.js';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import type { DecisionAnswer, DecisionRequest } from '../../messages/decisions.js';
import type { RateLimit } from '../auth/rate-limit.js';
import type { GatewayMetrics } from '../metrics.js';
import type { ActorClient, RequestOrigin, FallbackDecider } from '../ports.js';
import { readDecisionRequest } from './decision-request.js';

export interface DeciderDeps {
  readonly actors: ActorClient;
  readonly fallback: FallbackDecider;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly perUser: RateLimit | undefined;
  readonly surfaces: { has(surface: string): boolean } | undefined;
  readonly deadlineMs: number;
}

export class Decider {
  constructor(private readonly deps: DeciderDeps) {}

  /** Rejects with what the request did wrong; an owner that is out of reach or cannot write is answered around. */
  async decide(body: unknown, { id: trace, app }: RequestOrigin): Promise<DecisionAnswer> {
    const { actors, clock, metrics, perUser, surfaces } = this.deps;
    const startedMs = clock.monotonicMs();
    const { request, token } = readDecisionRequest(body);
    if (surfaces && !surfaces.has(request.surface)) throw unknownSurface(request.surface);
    perUser?.take(token);
    const deadlineMs = request.deadlineMs ?? this.deps.deadlineMs;
    let answer: DecisionAnswer;
    try {
      answer = (await actors.request('user', token, 'decide', request, { deadlineMs, app, trace })) as DecisionAnswer;
    } catch (thrown) {
      answer = this.answerAround(request, EngineError.from(thrown));
    }
    const latencyMs = clock.monotonicMs() - startedMs;
    metrics.decided(answer.surface, answer.degraded, latencyMs);
    return { ...answer, latencyMs: Math.round(latencyMs * 1000) / 1000 };
  }

  private answerAround(request: DecisionRequest, error: EngineError): DecisionAnswer {
    if (!isOwnerOut(error)) throw error;
    const answer = this.deps.fallback.decide(request, error.code);
    return {
      ...answer,
      degraded: answer.degraded.includes('owner') ? answer.degraded : ['owner', ...answer.degraded],
      fallbackReason: answer.fallbackReason ?? error.code,
    };
  }
}

/** Failures of the journal that the caller has to hear of: it sends too much at once, or too large a request. */
const CALLERS_TO_MEND: ReadonlySet<string> = new Set(['JOURNAL_OVERLOADED', 'RECORD_TOO_LARGE']);

/**
 * The owner cannot be reached or cannot write. A full mailbox (`Overloaded`) is not that: there the caller is told to come
 * back later, so that load goes down; except where it is the journal that is full.
 */
function isOwnerOut(error: EngineError): boolean {
  if (CALLERS_TO_MEND.has(error.code)) return false;
  return error.family === 'Dependency' || error.family === 'StaleOwner' || error.code.startsWith('JOURNAL_');
}

const unknownSurface = (surface: string): EngineError =>
  invalidRequest('UNKNOWN_SURFACE', `${surface} is not a surface this engine knows.`, 'surface');
