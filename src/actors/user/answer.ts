/** The answer to an app, from the decision that was journaled. */
import { isoTime } from '../../kernel/iso-time.js';
import type { DecisionAnswer, DecisionBody } from '../../messages/decisions.js';

/** `latencyMs` is left to the gateway, who knows when the request came in. */
export function answerOf(body: DecisionBody, token: string): DecisionAnswer {
  return {
    decisionId: body.id,
    surface: body.surface,
    slate: body.slate.map(({ id, score, propensity, reasons, forced }) =>
      forced === undefined ? { id, score, propensity, reasons } : { id, score, propensity, reasons, forced },
    ),
    policy: body.policy,
    personalized: body.personalized,
    filtered: body.filtered,
    degraded: body.degraded,
    fallbackReason: body.fallbackReason,
    validUntil: isoTime(body.validUntilMs),
    token,
    latencyMs: 0,
  };
}
