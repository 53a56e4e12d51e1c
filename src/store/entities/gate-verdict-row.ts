import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { GateVerdict } from '../../messages/gate-verdict.js';

/** Why a candidate for a policy went live or did not, with its numbers. */
export const GateVerdictRow = defineEntity({
  name: 'GateVerdictRow',
  tableName: 'gate_verdict',
  properties: {
    policyId: p.text().primary(),
    /** Which candidate of its learner it was, from 1; a learner that lost its checkpoint counts again. */
    candidate: p.bigint('number').primary(),
    version: p.bigint('number').primary(),
    outcome: p.text(),
    reason: p.text(),
    alpha: p.double(),
    decisions: p.bigint('number'),
    /** The verdict as it was recorded, with the comparisons against live policy and anchor. */
    verdict: p.json<GateVerdict>(),
    /** When the last decision it was judged by was closed. */
    judgedAt: p.datetime().columnType('timestamptz(3)').primary(),
  },
});
export type GateVerdictRecord = InferEntity<typeof GateVerdictRow>;
