/** What the transport's and the server's failures are called in Attune. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { EngineError } from '../../kernel/errors.js';
import type { AppendOutcome } from '../host/ports.js';

const RETRY_AFTER_MS = 500;

/** Error codes of the JetStream API (nats-server's errors.json). */
const CODES = {
  accountResources: 10002,
  clusterNotAvailable: 10008,
  insufficientResources: 10023,
  memoryResources: 10028,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  streamSubjectsOverlap: 10065,
  storageResources: 10047,
  messageTooLarge: 10054,
  notEnabled: 10076,
  notEnabledForAccount: 10039,
  storeFailed: 10077,
  noSuitablePeers: 10005,
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
} as const;

const UNAVAILABLE: ReadonlySet<number> = new Set([
  CODES.clusterNotAvailable,
  CODES.notEnabled,
  CODES.notEnabledForAccount,
]);
const FULL: ReadonlySet<number> = new Set([
  CODES.accountResources,
  CODES.insufficientResources,
  CODES.memoryResources,
  CODES.storageResources,
]);

/** Another revision is in place than the message expects. */
export const REVISION_CONFLICT = 'REVISION_CONFLICT';

/** The `error` part of a publish acknowledgement. */
export interface AckError {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}

/** A refusal is certain: the message is not, and will not be, stored. */
export function refusal(error: AckError): AppendOutcome {
  const code = refusalCode(error);
  // The server's own words about a full store name its files, which are nobody's business outside.
  const message =
    code === 'JOURNAL_FULL' ? 'The journal has no room.' : (error.description ?? 'The journal refused it.');
  return { status: 'refused', code, message };
}

function refusalCode({ err_code: code = 0, description = '' }: AckError): string {
  if (FULL.has(code)) return 'JOURNAL_FULL';
  // A failed write carries the store's own words: a limit that was reached, or the disk's complaint.
  if (code === CODES.storeFailed) return /message size/.test(description) ? 'RECORD_TOO_LARGE' : 'JOURNAL_FULL';
  if (code === CODES.messageTooLarge) return 'RECORD_TOO_LARGE';
  if (code === CODES.wrongLastSequence || code === CODES.wrongLastSequenceUnknown) return REVISION_CONFLICT;
  return UNAVAILABLE.has(code) ? 'JOURNAL_UNAVAILABLE' : 'JOURNAL_REFUSED';
}

export const isConflict = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === CODES.wrongLastSequence || error.code === CODES.wrongLastSequenceUnknown);

export const isStreamMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === CODES.streamNotFound;

/** There is a stream of this name that is not the same. */
export const isNameTaken = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === CODES.streamNameInUse;

/** A stream has some of these subjects: another one, or the same as somebody else is making it (2.9.10 says so). */
export const areSubjectsTaken = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === CODES.streamSubjectsOverlap;

/** Whether a stream of this size cannot be made for want of room. */
export const noRoomFor = ({ code }: JetStreamApiError): boolean => FULL.has(code) || code === CODES.noSuitablePeers;

export const unreachable = (what: string, cause?: unknown): EngineError =>
  new EngineError('Dependency', 'NATS_UNREACHABLE', `${what} does not answer.`, {
    retryAfterMs: RETRY_AFTER_MS,
    ...(cause === undefined ? {} : { cause }),
  });

/** A failed call, as callers of a port see it. */
export function dependency(what: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (isStreamMissing(error)) {
    return new EngineError('Dependency', 'STREAM_MISSING', `${what} does not exist on this server.`, { cause: error });
  }
  if (error instanceof JetStreamApiError && refusalCode(error.apiError()) === 'JOURNAL_FULL') {
    return new EngineError('Dependency', 'STORAGE_FULL', `${what} has no room.`, {
      retryAfterMs: RETRY_AFTER_MS,
      cause: error,
    });
  }
  return unreachable(what, error);
}
