/** What happens around every request, raw or Nest's: trace id, who calls, limits, errors. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toEngineError, toHttpError } from '../error-mapping.js';
import type { Logger } from '../../kernel/logger.js';
import type { GatewayServices } from '../services.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the API key the request came with, or `anonymous`. `request.id` is the trace id. */
    caller: string;
  }
}

export const TRACE_HEADER = 'x-trace-id';

/** Open to everybody: probes have no keys, and the docs hold no data. */
const OPEN_PREFIXES = ['/health/', '/docs'];

export function installHooks(server: FastifyInstance, services: GatewayServices): void {
  const { authenticate, perKey } = services;
  const hasKeys = services.options.apiKeys.length > 0;
  server.decorateRequest('caller', '');
  server.addHook('onRequest', (request, reply, done) => {
    reply.header(TRACE_HEADER, request.id);
    const isOpen = hasKeys && OPEN_PREFIXES.some((prefix) => request.url.startsWith(prefix));
    try {
      request.caller = isOpen ? 'anonymous' : authenticate(request.headers);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  });
  if (perKey) {
    server.addHook('onRequest', async (request) => {
      if (!request.url.startsWith('/v1/')) return;
      // Without keys the address is the caller.
      await perKey.take(hasKeys ? request.caller : request.ip);
    });
  }
  server.addHook('onResponse', (request, reply, done) => {
    services.deps.logger.debug('Request answered.', {
      trace: request.id,
      method: request.method,
      url: request.url,
      status: reply.statusCode,
      ms: reply.elapsedTime,
    });
    done();
  });
}

/** Answers with the error's status and body; logs what is the engine's own fault, with its cause. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  const error = toEngineError(thrown);
  const { status, retryAfterSeconds, body } = toHttpError(error, request.id);
  if (status === 500) {
    logger.error('Request failed.', { trace: request.id, code: error.code, error: error.cause ?? error });
  } else if (status === 503) {
    logger.warn('Request refused.', { trace: request.id, code: error.code, detail: error.message });
  }
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply.code(status).header(TRACE_HEADER, request.id).type('application/json; charset=utf-8').send(body);
}
