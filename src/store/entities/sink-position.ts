import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Watermarks } from '../sink/cursor.js';

/** How far the facts sink has come in one source; changed in the same transaction as the facts it speaks of. */
export const SinkPosition = defineEntity({
  name: 'SinkPosition',
  tableName: 'sink_position',
  properties: {
    /** `partition/<N>` or `experience`. */
    source: p.text().primary(),
    /** Identity of the stream that `sequence` counts in; empty before the first record. */
    identity: p.text(),
    sequence: p.bigint('number'),
    /** The owner's term as of `sequence`; null where it is not known yet. */
    epoch: p.bigint('number').nullable(),
    session: p.bigint('number').nullable(),
    /** Of the output chains that end in this source. */
    watermarks: p.json<Watermarks>(),
    updatedAt: p.datetime().columnType('timestamptz(3)'),
  },
});
export type SinkPositionRow = InferEntity<typeof SinkPosition>;
