/**
 * What a journal's stream may hold. Its limit of bytes alone is none: nats-server 2.9.10 compares it with what is there and
 * the payload, stores subject and frame as well, and drops what is oldest where that is more than the limit. Records of a few
 * bytes slip through there one after the other. A limit of records is kept exactly, so there is one beside it: no record
 * counts for less than RECORD_BYTES_LEAST. Of larger ones few meet the gap, and journals are shut before (intake.ts).
 */
import type { StreamConfig } from '@nats-io/jetstream';
import { limitWhile, RECORD_BYTES_LEAST } from '../host/intake.js';
import type { Intake } from '../../messages/subjects.js';
import type { StorePlan } from './store-plan.js';

interface Held {
  readonly bytes: number;
  readonly messages: number;
}

/** Bytes that a journal's records count for. */
export const countedBytes = ({ bytes, messages }: Held): number => Math.max(bytes, messages * RECORD_BYTES_LEAST);

/**
 * Limits while it takes this. The server makes a stream fit a lower one by dropping its oldest records, so what holds more
 * records than it may, as one of an earlier build can, has no limit of them for now.
 */
export function journalLimits(
  intake: Intake,
  { journal, journalReserve }: Pick<StorePlan, 'journal' | 'journalReserve'>,
  { messages }: Pick<Held, 'messages'>,
): Pick<StreamConfig, 'max_bytes' | 'max_msgs'> {
  const max_bytes = limitWhile(intake, journal, journalReserve);
  const max_msgs = Math.floor(max_bytes / RECORD_BYTES_LEAST);
  return { max_bytes, max_msgs: messages > max_msgs ? -1 : max_msgs };
}
