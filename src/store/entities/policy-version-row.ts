import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Artifact } from '../../policies/artifact.js';

/** A policy version that was published, once and for ever: what the decisions that name it were made with. */
export const PolicyVersionRow = defineEntity({
  name: 'PolicyVersionRow',
  tableName: 'policy_version',
  properties: {
    policyId: p.text().primary(),
    version: p.bigint('number').primary(),
    family: p.text(),
    /** SHA-256 of the artifact, hex. */
    checksum: p.text(),
    lineage: p.json<Artifact['lineage']>(),
    registeredAt: p.datetime().columnType('timestamptz(3)'),
  },
});
export type PolicyVersionRecord = InferEntity<typeof PolicyVersionRow>;
