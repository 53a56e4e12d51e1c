/** Answers to what never became a request: there is no route and no reply, only a socket. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { toHttpError } from '../error-mapping.js';
import { traceIdOf } from './trace.js';

/** Writes the error as a whole answer and ends the connection. */
export function answerOnSocket(socket: Socket, error: EngineError): void {
  const { status, retryAfterSeconds, body } = toHttpError(error, traceIdOf(undefined));
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nx-trace-id: ${body.traceId}\r\n` +
      (retryAfterSeconds === undefined ? '' : `retry-after: ${retryAfterSeconds}\r\n`) +
      `connection: close\r\n\r\n${text}`,
  );
}

/** For Node's `clientError`. */
export function answerUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  // Where an answer is on its way already, another would only be garbage behind it.
  const isAnswering =
    (socket as { _httpMessage?: { headersSent?: boolean } | null })._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  answerOnSocket(socket, causeOf(error.code));
  // Whoever does not even read the answer is not waited for.
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}

const LINGER_MS = 1_000;

function causeOf(code: string | undefined): EngineError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return invalidRequest('HEADERS_TOO_LARGE', 'The URL and headers are larger than this gateway accepts.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return invalidRequest('REQUEST_TIMEOUT', 'The request did not arrive in time.');
    default:
      return invalidRequest('HTTP_MALFORMED', 'The request is not well-formed HTTP.');
  }
}
