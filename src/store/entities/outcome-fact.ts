import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Experience } from '../../messages/decisions.js';

/**
 * How a decision ended: the experience its partition emitted, or the fold's refusal (`status` is then `refused`). One row
 * a message, named by its place in the source partition's output chain.
 */
export const OutcomeFact = defineEntity({
  name: 'OutcomeFact',
  tableName: 'outcome_fact',
  properties: {
    partition: p.integer().primary(),
    identity: p.text().primary(),
    sequence: p.bigint('number').primary(),
    /** Place among the outputs of the record at `sequence`. */
    index: p.integer().primary(),
    decisionId: p.text().index('outcome_fact_decision_id'),
    surface: p.text(),
    status: p.text(),
    decidedAt: p.datetime().columnType('timestamptz(3)').nullable(),
    closedAt: p.datetime().columnType('timestamptz(3)'),
    policyId: p.text().nullable(),
    policyVersion: p.bigint('number').nullable(),
    reward: p.double().nullable(),
    rewardedId: p.text().nullable(),
    /** Why, where the decision was refused. */
    reason: p.text().nullable(),
    events: p.json<Experience['events']>().columnType('json'),
    /** What each item earned, where it was not `rewardedId` alone. */
    credits: p.json<NonNullable<Experience['credits']>>().columnType('json').nullable(),
    /** `slate` where the slate earned the reward together. */
    credit: p.text().nullable(),
  },
  indexes: [{ name: 'outcome_fact_policy_closed', properties: ['policyId', 'policyVersion', 'closedAt'] }],
});
export type OutcomeFactRow = InferEntity<typeof OutcomeFact>;
