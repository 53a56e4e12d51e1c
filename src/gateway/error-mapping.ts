/** EngineErrors → HTTP, in one place. */
import { EngineError, type ErrorFamily } from '../kernel/errors.js';

const STATUS: Record<ErrorFamily, number> = {
  InvalidRequest: 400,
  Unauthenticated: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  Overloaded: 429,
  Invariant: 500,
  Configuration: 500,
  Dependency: 503,
  StaleOwner: 503,
};

/** Codes whose status says more than their family's. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  BODY_TOO_LARGE: 413,
  BODY_UNPACKS_TOO_FAR: 413,
  JSON_TOO_LARGE: 413,
  REQUEST_TIMEOUT: 408,
  EXPECTATION_UNKNOWN: 417,
  MEDIA_TYPE_UNSUPPORTED: 415,
  ENCODING_UNSUPPORTED: 415,
  HEADERS_TOO_LARGE: 431,
  RECORD_TOO_LARGE: 413,
  JOURNAL_OVERLOADED: 429,
  JOURNAL_FILLING: 429,
  EVENTS_WAITING: 429,
};

/** Waited for where a retryable error names no time of its own. */
const RETRY_AFTER_MS = 1000;

/** The body of every error answer. Never a stack, never a cause. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly field: string | null;
  readonly traceId: string;
}

export interface HttpError {
  readonly status: number;
  /** Whole seconds for the Retry-After header. */
  readonly retryAfterSeconds: number | undefined;
  readonly body: ErrorBody;
}

export function toHttpError(error: EngineError, traceId: string): HttpError {
  const status = STATUS_BY_CODE[error.code] ?? STATUS[error.family] ?? 500;
  const retryable = error.disposition === 'retry';
  return {
    status,
    retryAfterSeconds: retryable ? Math.max(1, Math.ceil((error.retryAfterMs ?? RETRY_AFTER_MS) / 1000)) : undefined,
    body: {
      code: error.code,
      // What went wrong inside is for the log; the client gets the sentence of INTERNAL.
      message: status === 500 ? 'The engine failed in a way it did not expect.' : error.message,
      field: error.field || null,
      traceId,
    },
  };
}

type Said = readonly [code: string, message: string];

const TOO_LARGE: Said = ['BODY_TOO_LARGE', 'The body is larger than this gateway accepts.'];
const MEDIA_TYPE: Said = ['MEDIA_TYPE_UNSUPPORTED', 'The Content-Type is not one this route understands.'];
const NOT_WELL_FORMED: Said = ['INVALID_REQUEST', 'The request is not well-formed.'];

const FROM_STATUS: Readonly<Record<number, Said>> = { 413: TOO_LARGE, 415: MEDIA_TYPE };

/** Fastify's own error codes → ours. */
const FROM_FASTIFY: Readonly<Record<string, Said>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: TOO_LARGE,
  FST_ERR_CTP_EMPTY_JSON_BODY: ['BODY_EMPTY', 'The request needs a body.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['JSON_MALFORMED', 'The body is not well-formed JSON.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: MEDIA_TYPE,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['BODY_TRUNCATED', 'The body is not as long as its Content-Length says.'],
  FST_ERR_BAD_URL: ['URL_MALFORMED', 'The URL is not well-formed.'],
  FST_ERR_MAX_PARAM_LENGTH: ['ID_TOO_LONG', 'An id in the URL is too long.'],
};

/** Whatever was thrown while serving a request, as an EngineError. */
export function toEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const shape = thrown as { code?: unknown; statusCode?: unknown; getStatus?: unknown } | null | undefined;
  const known = typeof shape?.code === 'string' ? FROM_FASTIFY[shape.code] : undefined;
  if (known) return new EngineError('InvalidRequest', known[0], known[1], { cause: thrown });
  // Nest turns Fastify's errors into exceptions that keep only the status.
  const status = typeof shape?.getStatus === 'function' ? Number(shape.getStatus()) : shape?.statusCode;
  if (status === 404) {
    return new EngineError('NotFound', 'ROUTE_UNKNOWN', 'There is nothing at this method and path.', { cause: thrown });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    const [code, message] = FROM_STATUS[status] ?? NOT_WELL_FORMED;
    return new EngineError('InvalidRequest', code, message, { cause: thrown });
  }
  return EngineError.from(thrown);
}
