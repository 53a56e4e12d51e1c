/** A reward for a decision: checked against the decision, then journaled as an event of type `reward`. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.js';
import { invalidRequest } from '../../kernel/errors.js';
import { canonicalCell } from '../../messages/cells.js';
import type { DecisionBody } from '../../messages/decisions.js';
import { EVENT_VALUE_ABS_MAX } from '../../messages/events.js';
import { idSchema } from '../../messages/id-schema.js';
import { notStored, type AcceptedEvent } from '../events/ingest.js';
import { childTraceparent } from '../http/trace.js';
import type { RequestOrigin, EventIngress } from '../ports.js';
import { parseWith } from '../validation.js';
import type { DecisionLookup } from './decision-lookup.js';

export const rewardBodySchema = z.strictObject({
  /** What the reaction is worth; clamped by the surface's reward definition. */
  value: z.number().min(-EVENT_VALUE_ABS_MAX).max(EVENT_VALUE_ABS_MAX),
  /** The slate item it is for; where left out the one accepted last, or the first. */
  candidateId: idSchema(256).optional(),
});

const idempotencyKeySchema = idSchema(256);

export class Rewards {
  constructor(
    private readonly lookup: DecisionLookup,
    private readonly ingress: EventIngress,
    private readonly clock: Clock,
    private readonly pastMaxMs: number,
  ) {}

  /**
   * The same `idempotencyKey` for the same decision counts once. Rejects with `INVALID_REQUEST`, `DECISION_UNKNOWN`,
   * `CANDIDATE_NOT_IN_SLATE`, or what kept the journal from storing it.
   */
  async give(
    decisionId: string,
    body: unknown,
    idempotencyKey: string | undefined,
    caller: RequestOrigin,
  ): Promise<AcceptedEvent> {
    const reward = parseWith(rewardBodySchema, body);
    const id =
      idempotencyKey === undefined
        ? randomUUID()
        : parseWith(idempotencyKeySchema, idempotencyKey, ['idempotency-key']);
    const decision = await this.lookup.find(decisionId, caller);
    const { candidateId } = reward;
    const item = candidateId === undefined ? undefined : itemOf(decision.body.slate, candidateId);
    if (candidateId !== undefined && item === undefined) {
      throw invalidRequest('CANDIDATE_NOT_IN_SLATE', 'candidateId was not in this decision’s slate.', 'candidateId');
    }
    const nowMs = this.clock.nowMs();
    const event = {
      specversion: '1.0',
      id,
      // Event ids are remembered per actor and source: keys of different decisions must not meet.
      source: `urn:attune:reward:${decision.nonce}`,
      type: 'reward',
      time: new Date(idempotencyKey === undefined ? nowMs : this.repeatableMs(decision.body.atMs, nowMs)).toISOString(),
      traceparent: childTraceparent(caller.id),
      data: { decisionId, value: reward.value, ...(item === undefined ? {} : { candidateId: item }) },
    };
    const payload = Buffer.from(JSON.stringify(event));
    const [outcome] = await this.ingress.publish([
      { app: caller.app, kind: decision.kind, token: decision.token, type: 'reward', payload },
    ]);
    if (outcome!.status !== 'stored') throw notStored(outcome!);
    return { id, token: outcome!.token ?? '' };
  }

  /**
   * The time of a reward that may come again. Its actor remembers events by their own time: with the time of each try, one
   * that comes after thousands of others would be a new one. So it is the decision's time, and where that is too long ago
   * to be taken, the decision's time and whole spans. Within a span a repeat is known, or refused as too old to know.
   */
  private repeatableMs(decidedAtMs: number, nowMs: number): number {
    const spanMs = Math.max(1, Math.floor(this.pastMaxMs / 2));
    return decidedAtMs + Math.max(0, Math.floor((nowMs - decidedAtMs) / spanMs)) * spanMs;
  }
}

/** The item of the slate that is meant, also in another spelling of a zone's cell; undefined for none. */
function itemOf(slate: DecisionBody['slate'], candidateId: string): string | undefined {
  const has = (id: string | undefined): boolean => slate.some((item) => item.id === id);
  if (has(candidateId)) return candidateId;
  const cell = canonicalCell(candidateId);
  return has(cell) ? cell : undefined;
}
