/** Answers to what never became a request: there is no route and no reply, only a socket. */
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import type { RequestLimits } from '../auth/request-limits.js';
import { toEngineError, toHttpError } from '../error-mapping.js';
import { traceIdOf } from './trace.js';

/** Writes the error as a whole answer and ends the connection. */
export function answerOnSocket(socket: Socket, error: EngineError): void {
  const [{ status, headers }, text] = answerTo(error);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`);
}

function answerTo(error: EngineError): [head: { status: number; headers: Record<string, string> }, text: string] {
  const { status, retryAfterSeconds, body } = toHttpError(error, traceIdOf(undefined));
  const text = JSON.stringify(body);
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'x-trace-id': body.traceId,
    ...(retryAfterSeconds === undefined ? undefined : { 'retry-after': String(retryAfterSeconds) }),
    connection: 'close',
  };
  return [{ status, headers }, text];
}

/** What `admit` throws. */
export function refusalOf(admit: () => void): EngineError | undefined {
  try {
    admit();
    return undefined;
  } catch (error) {
    return toEngineError(error);
  }
}

/** Node answers these by itself, without a body and past every limit, unless somebody listens. */
export function refuseExpectations(server: Server, limits: RequestLimits): void {
  server.on('checkExpectation', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const refused = refusalOf(() => limits.admitUnparsed(socket.remoteAddress));
    const message = 'The only Expect that is understood is 100-continue.';
    const [head, text] = answerTo(refused ?? invalidRequest('EXPECTATION_UNKNOWN', message));
    response.writeHead(head.status, head.headers).end(text);
    socket.setTimeout(LINGER_MS, () => socket.destroy());
  });
}

/** For Node's `clientError`; `refused` where its address has sent too much. */
export function answerUnparsed(error: NodeJS.ErrnoException, socket: Socket, refused?: EngineError): void {
  // Where an answer is on its way already, another would only be garbage behind it.
  const isAnswering =
    (socket as { _httpMessage?: { headersSent?: boolean } | null })._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  answerOnSocket(socket, refused ?? causeOf(error.code));
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
