import { createHash } from 'node:crypto';
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { JournalInfo } from '../host/ports.js';
import { isStreamMissing } from './nats-errors.js';

/**
 * A stream's identity is a hash of when it was made: 64 bits in base 36, at most 13 characters. The server sets that
 * time once, keeps it through restarts and updates, and sets another when the stream is made again.
 */
export function journalInfoOf(info: StreamInfo): JournalInfo {
  const hash = createHash('sha256').update(`${info.config.name} ${info.created}`).digest();
  const { messages, first_seq: first, last_seq: last } = info.state;
  return {
    identity: hash.readBigUInt64BE().toString(36),
    firstSequence: messages === 0 ? last + 1 : first,
    lastSequence: last,
  };
}

/** Undefined where there is no such stream. */
export async function streamInfoOf(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (isStreamMissing(error)) return undefined;
    throw error;
  }
}
