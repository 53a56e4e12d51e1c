import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { DecisionBody, Filtered, SlateItem } from '../../messages/decisions.js';

/** The parts of a decision that nothing filters by. */
export type DecisionDetails = Omit<
  DecisionBody,
  | 'id'
  | 'surface'
  | 'subjectKind'
  | 'atMs'
  | 'policy'
  | 'slate'
  | 'filtered'
  | 'personalized'
  | 'degraded'
  | 'fallbackReason'
  | 'context'
>;

/** A decision that counted, as its journal has it. One row a journal record: partition, identity and sequence. */
export const DecisionFact = defineEntity({
  name: 'DecisionFact',
  tableName: 'decision_fact',
  properties: {
    partition: p.integer().primary(),
    /** Identity of the journal stream: a recreated one counts its sequences anew. */
    identity: p.text().primary(),
    sequence: p.bigint('number').primary(),
    id: p.text().index('decision_fact_id'),
    epoch: p.bigint('number'),
    surface: p.text(),
    subjectKind: p.text(),
    /** `user` or `anon`, and the subject token. */
    actorKind: p.text(),
    actorToken: p.text(),
    at: p.datetime().columnType('timestamptz(3)'),
    policyId: p.text(),
    policyVersion: p.bigint('number'),
    personalized: p.boolean(),
    degraded: p.array(),
    fallbackReason: p.text().nullable(),
    slate: p.json<readonly SlateItem[]>().columnType('json'),
    /** Of the slate's items, in their order. */
    propensities: p.array(Number).columnType('double precision[]'),
    filtered: p.json<readonly Filtered[]>().columnType('json'),
    context: p.json<DecisionBody['context']>().columnType('json'),
    details: p.json<DecisionDetails>().columnType('json'),
  },
  indexes: [
    { name: 'decision_fact_surface_at', properties: ['surface', 'at'] },
    { name: 'decision_fact_policy_at', properties: ['policyId', 'policyVersion', 'at'] },
    { name: 'decision_fact_actor_at', properties: ['actorKind', 'actorToken', 'at'] },
  ],
});
export type DecisionFactRow = InferEntity<typeof DecisionFact>;
