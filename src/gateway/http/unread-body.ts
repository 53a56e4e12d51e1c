/** Bodies that nobody reads: taken off the wire within bounds, or the connection ends. */
import type { IncomingMessage } from 'node:http';

/** So much is thrown away for the connection's sake; whoever sends more loses it. */
const DRAIN_BYTES_MAX = 256 * 1024;
const DRAIN_MS_MAX = 5_000;
/** The sender of too much has so long to read the answer. */
const LINGER_MS = 1_000;

export const declaresBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/**
 * Discards what is still to come of a request's body. Beyond DRAIN_BYTES_MAX nothing more is read, and the connection is
 * closed once the sender had time to read its answer: closing at once would reset it before that.
 */
export function drain(request: IncomingMessage): void {
  if (request.complete || !declaresBody(request)) return;
  const { socket } = request;
  let left = DRAIN_BYTES_MAX;
  let timer = setTimeout(() => socket.destroy(), DRAIN_MS_MAX).unref();
  const discard = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left >= 0) return;
    request.off('data', discard).pause();
    clearTimeout(timer);
    timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
  request
    // A sender that goes away in the middle is no news.
    .on('error', () => undefined)
    .once('close', () => clearTimeout(timer))
    .once('end', () => clearTimeout(timer))
    .on('data', discard)
    .resume();
}
