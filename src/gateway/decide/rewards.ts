/** A reward for a decision: checked against the decision, then journaled as an event of type `reward`. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.js';
import { invalidRequest } from '../../kernel/errors.js';
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
  /** The slate item it is for; the first where left out. */
  candidateId: idSchema(256).optional(),
});

const idempotencyKeySchema = idSchema(256);

export class Rewards {
  constructor(
    private readonly lookup: DecisionLookup,
    private readonly ingress: EventIngress,
    private readonly clock: Clock,
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
    if (candidateId !== undefined && !decision.body.slate.some((item) => item.id === candidateId)) {
      throw invalidRequest('CANDIDATE_NOT_IN_SLATE', 'candidateId was not in this decision’s slate.', 'candidateId');
    }
    const event = {
      specversion: '1.0',
      id,
      // Event ids are remembered per actor and source: keys of different decisions must not meet.
      source: `urn:attune:reward:${decision.nonce}`,
      type: 'reward',
      time: new Date(this.clock.nowMs()).toISOString(),
      traceparent: childTraceparent(caller.id),
      data: { decisionId, ...reward },
    };
    const payload = Buffer.from(JSON.stringify(event));
    const [outcome] = await this.ingress.publish([
      { app: caller.app, kind: decision.kind, token: decision.token, type: 'reward', payload },
    ]);
    if (outcome!.status !== 'stored') throw notStored(outcome!);
    return { id, token: outcome!.token ?? '' };
  }
}
