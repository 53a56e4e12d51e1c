/** In-memory stand-ins for the gateway's ports, with switches for what can go wrong. */
import type { RollbackOrder } from '../../src/policies/registry/artifact-store.js';
import type { GatewayDeps } from '../../src/gateway/deps.js';
import type { ActorClient, DeadLetter, EventIngress, OutgoingEvent } from '../../src/gateway/ports.js';
import { systemClock } from '../../src/kernel/clock.js';
import { EngineError } from '../../src/kernel/errors.js';
import type { ConsentAnswer, ConsentRequest } from '../../src/messages/consent.js';
import type { DecisionAnswer, DecisionBody, DecisionRequest } from '../../src/messages/decisions.js';
import type { LogFields, Logger } from '../../src/kernel/logger.js';
import { byPickups } from '../../src/messages/zones.js';
import { DEFAULT_FOLD_SETTINGS } from '../../src/messages/settings.js';

export interface Asked {
  readonly kind: string;
  readonly token: string;
  readonly verb: string;
  readonly body: unknown;
  readonly options: { readonly deadlineMs: number; readonly trace?: string };
}

export const answerTo = (request: DecisionRequest): DecisionAnswer => ({
  decisionId: 'abcdefgh1234.user.42',
  surface: request.surface,
  slate: (request.candidates ?? []).slice(0, request.k ?? 1).map((candidate, index) => ({
    id: candidate.id,
    score: 1 - index / 10,
    propensity: 0.5,
    reasons: [{ code: 'nearest', text: 'Closest to you', contribution: 0.4 }],
  })),
  policy: { id: 'pickup-thompson', version: 3 },
  personalized: true,
  filtered: [],
  degraded: [],
  fallbackReason: null,
  validUntil: '2030-01-01T00:00:00.000Z',
  token: '1.a.abc',
  latencyMs: 0,
});

export const decisionBody = (id: string, slate: readonly string[]): DecisionBody => ({
  id,
  surface: 'rider.pickup',
  purpose: 'personalization',
  subjectKind: 'rider',
  atMs: 1,
  basedOn: 1,
  slate: slate.map((item) => ({ id: item, score: 1, propensity: 1, reasons: [] })),
  eligible: slate,
  distribution: slate.map(() => 1 / slate.length),
  filtered: [],
  policy: { id: 'p', version: 1 },
  personalized: true,
  degraded: [],
  fallbackReason: null,
  context: {},
  features: {},
  caps: [],
  fatigueCost: 0,
  holds: [],
  wants: [],
  windowMs: 1,
  validUntilMs: 1,
});

export class FakeActors implements ActorClient {
  readonly asked: Asked[] = [];
  readonly decisions = new Map<string, DecisionBody>();
  /** What users say of their changes of consent; that each is granted where left out. */
  readonly consents = new Map<string, ConsentAnswer['outcomes']>();
  /** Thrown instead of answering. */
  failure: Error | undefined;
  /** Where set, requests wait for it. */
  held: Promise<void> | undefined;

  async request(kind: string, token: string, verb: string, body: unknown, options: Asked['options']): Promise<unknown> {
    this.asked.push({ kind, token, verb, body, options });
    await this.held;
    if (this.failure) throw this.failure;
    if (verb === 'decide') return answerTo(body as DecisionRequest);
    if (verb === 'decision') {
      const found = this.decisions.get((body as { decisionId: string }).decisionId);
      if (!found) throw new EngineError('NotFound', 'DECISION_UNKNOWN', 'unknown');
      return found;
    }
    if (verb === 'consent') {
      const { changes } = body as ConsentRequest;
      const granted = changes.map(({ purposes = ['personalization'] }) =>
        purposes.map((purpose) => ({ purpose, outcome: 'granted' as const })),
      );
      return { outcomes: this.consents.get(token) ?? granted } satisfies ConsentAnswer;
    }
    return { kind, token, verb, body };
  }
}

export class FakeIngress implements EventIngress {
  readonly published: OutgoingEvent[] = [];
  refusal: { readonly code: string; readonly message: string } | undefined;
  isSilent = false;
  /** Outcome `refused` for these indexes of a publish only. */
  refusedAt: ReadonlySet<number> = new Set();

  async publish(events: readonly OutgoingEvent[]): ReturnType<EventIngress['publish']> {
    return events.map((event, index) => {
      if (this.isSilent) return { status: 'unknown' as const };
      if (this.refusal) return { status: 'refused' as const, ...this.refusal };
      if (this.refusedAt.has(index)) return { status: 'refused' as const, code: 'JOURNAL_FULL', message: 'full' };
      this.published.push(event);
      const sequence = this.published.length;
      return { status: 'stored' as const, sequence, token: `1.${sequence.toString(36)}.abc` };
    });
  }

  /** What was journaled, as JSON. */
  bodies(): Record<string, unknown>[] {
    return this.published.map((event) => JSON.parse(Buffer.from(event.payload).toString('utf8')));
  }
}

export class FakeLogger implements Logger {
  readonly lines: { level: string; message: string; fields: LogFields }[] = [];
  debug = this.line('debug');
  info = this.line('info');
  warn = this.line('warn');
  error = this.line('error');

  with(): Logger {
    return this;
  }

  private line(level: string): Logger['debug'] {
    return (message, fields = {}) => void this.lines.push({ level, message, fields });
  }
}

export interface FakeWorld {
  readonly deps: GatewayDeps;
  readonly actors: FakeActors;
  readonly ingress: FakeIngress;
  readonly logger: FakeLogger;
  readonly facts: Map<string, DecisionBody>;
  readonly deadLetters: DeadLetter[];
  /** What was asked of the policies, in order. */
  readonly rollbacks: [policyId: string, order: RollbackOrder][];
  /** Reasons not to be ready. */
  readonly reasons: string[];
}

export function fakeWorld(options: GatewayDeps['options'] = {}): FakeWorld {
  const actors = new FakeActors();
  const ingress = new FakeIngress();
  const logger = new FakeLogger();
  const facts = new Map<string, DecisionBody>();
  const deadLetters: DeadLetter[] = [];
  const reasons: string[] = [];
  const zone = (cell: string, pickups: number) => ({
    cell,
    atMs: 0,
    sequence: 1,
    mode: 'balanced' as const,
    pickups,
    drivers: 1,
    pickupsTotal: pickups,
    hoursSeen: 1,
    expectedByHour: [],
    hourIndex: 0,
    thisHour: 0,
    lastHour: 0,
    incentiveCents: 0,
  });
  const zones = [zone('882a100d67fffff', 2), zone('882a100d63fffff', 9), zone('882a100d61fffff', 5)];
  const rollbacks: FakeWorld['rollbacks'] = [];
  const deps: GatewayDeps = {
    actors,
    ingress,
    logger,
    fallback: {
      decide: (request, reason) => ({
        ...answerTo(request),
        policy: { id: 'nearest-static', version: 1 },
        personalized: false,
        degraded: ['owner'],
        fallbackReason: reason,
      }),
    },
    status: { hosts: async () => [{ host: 'h1', partitions: [0, 1] }], notReady: () => reasons },
    clock: systemClock,
    settings: DEFAULT_FOLD_SETTINGS,
    surfaces: new Set(['rider.pickup', 'driver.heatmap', 'promo.discount']),
    facts: { decision: async (id) => facts.get(id) },
    zones: {
      get: (cell) => zones.find((z) => z.cell === cell),
      all: () => zones,
      busiest: (limit) => [...zones].sort(byPickups).slice(0, limit),
      staleMs: () => 12,
    },
    deadLetters: {
      list: async ({ partition, limit }) => ({
        deadLetters: deadLetters.filter((d) => partition === undefined || d.partition === partition).slice(0, limit),
      }),
      redrive: async (partition, sequence) => {
        if (!deadLetters.some((d) => d.partition === partition && d.sequence === sequence)) {
          throw new EngineError('NotFound', 'DEAD_LETTER_UNKNOWN', 'There is no such dead letter.');
        }
        return { token: '1.z.abc', outcome: 'rejected', reason: 'REDRIVE_UNREADABLE: it is no JSON' };
      },
    },
    policies: {
      rollBack: async (policyId, order) => {
        if (policyId === 'unknown') throw new EngineError('NotFound', 'POLICY_UNKNOWN', 'There is no such policy.');
        rollbacks.push([policyId, order]);
        const { to = 6, by, why } = order;
        return { version: 8, from: 7, to, by, why, atMs: 1, held: order.release !== true };
      },
    },
    queues: { collect: () => ({ mailboxes: 7 }) },
    options,
  };
  return { deps, actors, ingress, logger, facts, deadLetters, rollbacks, reasons };
}
